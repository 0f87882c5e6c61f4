//! The commands: what each is called, how it is used, and who may give it.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Says what can be typed.
    Help,
    /// Greets.
    Hi,
    /// Explains a decision.
    Why,
    /// Tells how things are.
    Status,
    /// Stops answers.
    Stop,
    /// Tries a failed answer again.
    Retry,
    /// Which model answers in this thread.
    Model,
    /// Which model answers in this room.
    RoomModel,
    /// Where answers go in this room.
    ThreadMode,
    /// Shows the configuration, or changes a value in it.
    Config,
    /// Has the configuration read.
    Reload,
    /// Switches encryption on.
    Encrypt,
    /// Explains how the room's encryption is doing.
    E2ee,
}

/// Who may give a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Everybody who is authorized.
    Everybody,
    /// Those with the power to change the room, and the house's admins.
    RoomAdmin,
    /// The house's admins.
    HouseAdmin,
}

/// What is to be known of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The command.
    pub(super) word: Word,
    /// What is typed after the exclamation mark.
    pub(super) name: &'static str,
    /// What may follow.
    pub(super) takes: &'static str,
    /// It in use.
    pub(super) example: &'static str,
    /// What it is for, in a sentence.
    pub(super) purpose: &'static str,
    /// Who may give it.
    pub(super) rank: Rank,
}

impl Word {
    /// The command of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        BOOK.iter().find(|entry| entry.name == name).map(|entry| entry.word)
    }

    /// What is typed after the exclamation mark.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    pub(super) fn entry(self) -> &'static Entry {
        BOOK.iter().find(|entry| entry.word == self).expect("every command stands in the book, as a test holds")
    }
}

impl Entry {
    /// How it is typed: `!stop [all]`.
    pub(super) fn usage(&self) -> String {
        if self.takes.is_empty() { format!("!{}", self.name) } else { format!("!{} {}", self.name, self.takes) }
    }
}

/// Every command, in the order in which people read them.
pub(super) const BOOK: [Entry; 13] = [
    entry(Word::Help, "help", "[topic]", "!help stop", "Says what you can type here, or all about one command.", ALL),
    entry(Word::Hi, "hi", "", "!hi", "Says who is here and what each is for.", ALL),
    entry(
        Word::Why,
        "why",
        "",
        "!why",
        "Tells who answers a message and why, or why nobody does: the one you reply to, else the last one here.",
        ALL,
    ),
    entry(
        Word::Status,
        "status",
        "",
        "!status",
        "Tells what is going on in this thread. Admins are told about the whole house.",
        ALL,
    ),
    entry(
        Word::Stop,
        "stop",
        "[all]",
        "!stop",
        "Stops what is being answered in this thread. Admins of the room can stop `all` of it in the room.",
        ALL,
    ),
    entry(
        Word::Retry,
        "retry",
        "<id>",
        "!retry 3f2a9c",
        "Tries an answer again that failed. The id stands in the message that says so; you can also reply to it.",
        ALL,
    ),
    entry(
        Word::Model,
        "model",
        "[name|list|reset]",
        "!model list",
        "Shows or sets the model that answers in this thread.",
        ALL,
    ),
    entry(
        Word::RoomModel,
        "room_model",
        "[name|list|reset]",
        "!room_model reset",
        "Shows or sets the model that answers in this room.",
        Rank::RoomAdmin,
    ),
    entry(
        Word::ThreadMode,
        "thread_mode",
        "[room|thread|reset]",
        "!thread_mode room",
        "Shows or sets where answers go in this room: into threads, or to the main timeline.",
        Rank::RoomAdmin,
    ),
    entry(
        Word::Config,
        "config",
        "plan | show [path] | get <path> | set <path> <value>",
        "!config set agents.writer.role \"Writes and edits.\"",
        "Shows the configuration's file, and what of it doesn't run yet; changes a value in it, after saying what that would \
         do. Off unless `authorization.config_in_chat` is on.",
        Rank::HouseAdmin,
    ),
    entry(
        Word::Reload,
        "reload",
        "",
        "!reload",
        "Has the configuration read at once. A saved one is taken over by itself.",
        Rank::HouseAdmin,
    ),
    entry(
        Word::Encrypt,
        "encrypt",
        "[confirm]",
        "!encrypt",
        "Switches on encryption in this room, after saying what that means.",
        Rank::RoomAdmin,
    ),
    entry(Word::E2ee, "e2ee", "", "!e2ee", "Explains how encryption is doing in this room.", ALL),
];

const ALL: Rank = Rank::Everybody;

const fn entry(
    word: Word,
    name: &'static str,
    takes: &'static str,
    example: &'static str,
    purpose: &'static str,
    rank: Rank,
) -> Entry {
    Entry { word, name, takes, example, purpose, rank }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{command::command, gate::Command};

    /// X1: what is recognised as a command stands in the book, and the other way round.
    #[test]
    fn the_book_and_the_ear_know_the_same_commands() {
        for entry in BOOK {
            assert_eq!(entry.word.entry(), &entry);
            assert_eq!(Word::named(entry.name), Some(entry.word));
            assert_eq!(command(&format!("!{}", entry.name)), Some(Command::Known(entry.name.to_owned())));
            assert_eq!(command(entry.example), Some(Command::Known(entry.name.to_owned())));
        }
    }
}
