//! Where the program can be told to die: every step of a message's journey that outlives the process.

/// Before and after each step, in the order of the journey. `tests/real/kills.rs` holds them against the sources.
pub(crate) const POINTS: &[&str] = &[
    // A sync loop takes its place in the stream, and the library has written down its own.
    "sync.seeded",
    "sync.persisted.agent0",
    // Events and the position after them.
    "admit.before",
    "admit.after",
    // What is shown, what was decided, and what follows.
    "settle.before",
    "settle.after",
    // A turn begins, or begins again.
    "begin.before",
    "begin.after",
    // What is about to be sent.
    "outbox.before",
    "outbox.after",
    "send.before",
    "send.after",
    // It is in the room.
    "sent.before",
    "sent.after",
    // A tool is used.
    "tool.began.before",
    "tool.began.after",
    "tool.ended.before",
    "tool.ended.after",
    // The offer to stop is taken back.
    "retract.before",
    "retract.after",
    // The turn ends.
    "end.before",
    "end.after",
    // Any commit at all.
    "commit.before",
    "commit.after",
];
