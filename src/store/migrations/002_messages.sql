-- What was said, decided and set: messages as people see them, verdicts, and what people changed by command.

-- Whether somebody has yet to look at the event. What came before this column is history.
ALTER TABLE events ADD COLUMN due INTEGER NOT NULL DEFAULT 0 CHECK (due IN (0, 1));

CREATE INDEX events_due ON events (ordinal) WHERE due = 1;

-- Every message once, as it was first worded, in order of arrival. Deleted, it loses its words and keeps its place.
CREATE TABLE messages (
    ordinal     INTEGER PRIMARY KEY,
    room        TEXT NOT NULL,
    event       TEXT NOT NULL,
    sender      TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    standing    TEXT NOT NULL CHECK (standing IN ('live', 'history')),
    thread      TEXT,
    in_reply_to TEXT,
    sort        TEXT NOT NULL CHECK (sort IN ('text', 'media', 'notice')),
    body        TEXT NOT NULL,
    content     TEXT NOT NULL,
    mentions    TEXT NOT NULL,
    mark        TEXT,
    deleted     INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    UNIQUE (room, event)
) STRICT;

-- An index row ends with the ordinal by itself: one thread, in order.
CREATE INDEX messages_of_thread ON messages (room, thread);
CREATE INDEX messages_of_room ON messages (room);

-- The newest wording of a message by each who tried to give it one. Only its own sender's counts. It may come before the
-- message itself, and what is newest is for clients and for us the same: the later time, then the greater id.
CREATE TABLE edits (
    room     TEXT NOT NULL,
    of       TEXT NOT NULL,
    sender   TEXT NOT NULL,
    event    TEXT NOT NULL,
    sent_at  INTEGER NOT NULL,
    sort     TEXT NOT NULL CHECK (sort IN ('text', 'media', 'notice')),
    body     TEXT NOT NULL,
    content  TEXT NOT NULL,
    mentions TEXT NOT NULL,
    mark     TEXT,
    PRIMARY KEY (room, of, sender)
) STRICT;

CREATE INDEX edits_by_event ON edits (room, event);

-- What was taken back. It may have been taken back before it came.
CREATE TABLE deletions (
    room  TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (room, event)
) STRICT, WITHOUT ROWID;

-- Messages as people see them now.
CREATE VIEW said AS
SELECT m.ordinal, m.room, m.event, m.sender, m.sent_at, m.received_at, m.standing, m.thread, m.in_reply_to, m.deleted,
       e.event AS edited_by,
       coalesce(e.sort, m.sort) AS sort, coalesce(e.body, m.body) AS body, coalesce(e.content, m.content) AS content,
       coalesce(e.mentions, m.mentions) AS mentions, coalesce(e.mark, m.mark) AS mark
FROM messages AS m LEFT JOIN edits AS e ON e.room = m.room AND e.of = m.event AND e.sender = m.sender;

-- What was decided about a message, once, and why. `answering` are those who were to answer.
CREATE TABLE decisions (
    ordinal    INTEGER PRIMARY KEY,
    room       TEXT NOT NULL,
    event      TEXT NOT NULL,
    thread     TEXT,
    rule       TEXT NOT NULL,
    action     TEXT NOT NULL CHECK (action IN ('ignore', 'run', 'say', 'route', 'ask', 'answer')),
    answering  TEXT NOT NULL,
    candidates TEXT NOT NULL,
    reason     TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    UNIQUE (room, event)
) STRICT;

CREATE INDEX decisions_of_thread ON decisions (room, thread);
CREATE INDEX decisions_open ON decisions (ordinal) WHERE action = 'route';

-- What people set by command, for a room as a whole or for one thread in it.
CREATE TABLE settings (
    room   TEXT NOT NULL,
    thread TEXT NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (room, thread, key)
) STRICT, WITHOUT ROWID;
