-- What is to be sent: written before the request, so that a crash in between only repeats it.

-- The events of answers. Without content it is only known that an event may have gone out under this transaction.
CREATE TABLE outbox (
    serial         INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT NOT NULL UNIQUE,
    turn           TEXT NOT NULL,
    part           INTEGER NOT NULL,
    sort           TEXT NOT NULL CHECK (sort IN ('first', 'part', 'edit', 'reaction')),
    entity         TEXT NOT NULL,
    room           TEXT NOT NULL,
    content        TEXT,
    state          TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
    event          TEXT,
    created_at     INTEGER NOT NULL,
    CHECK ((state = 'sent') = (event IS NOT NULL))
) STRICT;

CREATE INDEX outbox_of_turn ON outbox (turn);
CREATE INDEX outbox_pending ON outbox (serial) WHERE state = 'pending';

-- What is said outside answers. `wording` counts what the text was changed to, `shown` is the wording that people see.
CREATE TABLE notices (
    serial      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    entity      TEXT NOT NULL,
    room        TEXT NOT NULL,
    thread      TEXT,
    reply_to    TEXT,
    text        TEXT NOT NULL,
    poll        TEXT,
    wording     INTEGER NOT NULL DEFAULT 1,
    shown       INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
    answer      TEXT,
    answered_by TEXT,
    created_at  INTEGER NOT NULL,
    CHECK (shown <= wording),
    CHECK ((answer IS NULL) = (answered_by IS NULL))
) STRICT;

CREATE INDEX notices_pending ON notices (serial) WHERE shown < wording AND failed = 0;

-- The messages in the room that a notice consists of.
CREATE TABLE notice_parts (
    notice TEXT NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    part   INTEGER NOT NULL,
    room   TEXT NOT NULL,
    event  TEXT NOT NULL,
    PRIMARY KEY (notice, part)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX notice_parts_at ON notice_parts (room, event);
