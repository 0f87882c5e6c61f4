-- Who answers what: envelopes on their way, and the turns that answer them.

-- One message for one responder, once for ever. The serial is the order in which they are taken up.
CREATE TABLE envelopes (
    serial      INTEGER PRIMARY KEY AUTOINCREMENT,
    room        TEXT NOT NULL,
    thread      TEXT,
    event       TEXT NOT NULL,
    responder   TEXT NOT NULL,
    sender      TEXT NOT NULL,
    priority    TEXT NOT NULL CHECK (priority IN ('person', 'agent')),
    hops        INTEGER NOT NULL,
    root        TEXT NOT NULL,
    missing     TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'taken', 'done', 'cancelled')),
    turn        TEXT,
    UNIQUE (room, event, responder),
    CHECK (state IN ('queued', 'cancelled') OR turn IS NOT NULL)
) STRICT;

CREATE INDEX envelopes_queued ON envelopes (serial) WHERE state = 'queued';
CREATE INDEX envelopes_of_turn ON envelopes (turn) WHERE turn IS NOT NULL;

-- One answer. What it answers stands in its envelopes. `again`: it is to be given once more, in the same messages.
CREATE TABLE turns (
    id            TEXT PRIMARY KEY,
    room          TEXT NOT NULL,
    attempt       INTEGER NOT NULL DEFAULT 1,
    state         TEXT NOT NULL CHECK (state IN ('running', 'done', 'stopped', 'failed', 'suspended')),
    again         INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1)),
    text          TEXT NOT NULL DEFAULT '',
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX turns_unfinished ON turns (started_at) WHERE state IN ('running', 'suspended') OR again = 1;
CREATE INDEX turns_failed ON turns (started_at) WHERE state = 'failed';

-- The messages in the room that an answer consists of.
CREATE TABLE turn_parts (
    turn  TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    part  INTEGER NOT NULL,
    room  TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (turn, part)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX turn_parts_at ON turn_parts (room, event);

-- What tools were called for an answer. Without an outcome nobody knows whether the call took effect.
CREATE TABLE tool_calls (
    turn    TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    name    TEXT NOT NULL,
    input   TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (turn, seq)
) STRICT, WITHOUT ROWID;
