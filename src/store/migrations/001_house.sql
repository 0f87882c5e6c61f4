-- The house: who we are, where each stream stands, what came in, which rooms are ours.
-- Tables are strict, and what can be said as a constraint is.

-- "Mait": tells our file from any other database.
PRAGMA application_id = 1298229620;

-- Secrets stand here in the clear; the file is readable by its owner alone.
CREATE TABLE accounts (
    entity        TEXT PRIMARY KEY,
    localpart     TEXT NOT NULL,
    user          TEXT,
    device        TEXT NOT NULL,
    password      TEXT,
    password_ours INTEGER CHECK (password_ours IN (0, 1)),
    access_token  TEXT,
    refresh_token TEXT,
    recovery_key  TEXT,
    store_key     TEXT NOT NULL,
    CHECK ((password IS NULL) = (password_ours IS NULL)),
    CHECK (access_token IS NOT NULL OR refresh_token IS NULL)
) STRICT, WITHOUT ROWID;

-- Where each entity's sync stream goes on.
CREATE TABLE positions (
    entity TEXT PRIMARY KEY,
    token  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every event once, whoever brought it. The ordinal is the order of arrival and is never given twice, also after pruning.
CREATE TABLE events (
    ordinal     INTEGER PRIMARY KEY AUTOINCREMENT,
    room        TEXT NOT NULL,
    event       TEXT NOT NULL,
    sender      TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    standing    TEXT NOT NULL CHECK (standing IN ('live', 'history')),
    sealed      INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    healed      INTEGER NOT NULL DEFAULT 0 CHECK (healed IN (0, 1)),
    kind        TEXT,
    json        TEXT,
    raw         TEXT,
    session     TEXT,
    cause       TEXT CHECK (cause IN ('key_missing', 'key_withheld', 'broken')),
    entity      TEXT NOT NULL,
    admitted_at INTEGER NOT NULL,
    UNIQUE (room, event),
    CHECK (sealed = (kind IS NULL) AND sealed = (json IS NULL)),
    CHECK (sealed = (raw IS NOT NULL) AND sealed = (cause IS NOT NULL)),
    CHECK (sealed = 1 OR session IS NULL),
    CHECK (sealed + healed < 2)
) STRICT;

-- An index row ends with the ordinal by itself: one room, in order.
CREATE INDEX events_of_room ON events (room);
CREATE INDEX events_sealed ON events (ordinal) WHERE sealed = 1;
CREATE INDEX events_sealed_under ON events (room, session) WHERE sealed = 1;

-- What `events` holds, counted as it changes, so that the status never reads the whole table.
CREATE TABLE counters (
    room    TEXT PRIMARY KEY,
    live    INTEGER NOT NULL,
    history INTEGER NOT NULL,
    sealed  INTEGER NOT NULL,
    healed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_count_in AFTER INSERT ON events BEGIN
    INSERT INTO counters (room, live, history, sealed, healed)
    VALUES (NEW.room, NEW.standing = 'live', NEW.standing = 'history', NEW.sealed, NEW.healed)
    ON CONFLICT (room) DO UPDATE SET
        live = live + excluded.live, history = history + excluded.history,
        sealed = sealed + excluded.sealed, healed = healed + excluded.healed;
END;

CREATE TRIGGER events_count_again AFTER UPDATE OF standing, sealed, healed ON events BEGIN
    UPDATE counters SET
        live = live + (NEW.standing = 'live') - (OLD.standing = 'live'),
        history = history + (NEW.standing = 'history') - (OLD.standing = 'history'),
        sealed = sealed + NEW.sealed - OLD.sealed,
        healed = healed + NEW.healed - OLD.healed
    WHERE room = NEW.room;
END;

CREATE TRIGGER events_count_out AFTER DELETE ON events BEGIN
    UPDATE counters SET
        live = live - (OLD.standing = 'live'), history = history - (OLD.standing = 'history'),
        sealed = sealed - OLD.sealed, healed = healed - OLD.healed
    WHERE room = OLD.room;
    DELETE FROM counters WHERE room = OLD.room AND live + history = 0;
END;

-- The rooms that the configuration names.
CREATE TABLE rooms (
    key        TEXT PRIMARY KEY,
    room       TEXT NOT NULL,
    made_by_us INTEGER NOT NULL CHECK (made_by_us IN (0, 1))
) STRICT, WITHOUT ROWID;

-- What holds for a room whoever looks at it. Encryption goes one way.
CREATE TABLE room_facts (
    room        TEXT PRIMARY KEY,
    encrypted   INTEGER NOT NULL DEFAULT 0 CHECK (encrypted IN (0, 1)),
    predecessor TEXT CHECK (predecessor <> room)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER room_stays_encrypted BEFORE UPDATE OF encrypted ON room_facts WHEN OLD.encrypted > NEW.encrypted BEGIN
    SELECT RAISE(ABORT, 'an encrypted room stays encrypted');
END;

CREATE TRIGGER room_stays_known BEFORE DELETE ON room_facts WHEN OLD.encrypted = 1 BEGIN
    SELECT RAISE(ABORT, 'an encrypted room stays encrypted');
END;

CREATE TABLE memberships (
    entity TEXT NOT NULL,
    room   TEXT NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('invited', 'joined', 'left', 'kicked', 'banned')),
    PRIMARY KEY (entity, room)
) STRICT, WITHOUT ROWID;

-- The newest invitation of an entity to a room. A newer one gets a serial of its own, so an answer to the old one misses it.
CREATE TABLE invites (
    serial      INTEGER PRIMARY KEY AUTOINCREMENT,
    entity      TEXT NOT NULL,
    room        TEXT NOT NULL,
    inviter     TEXT NOT NULL,
    direct      INTEGER NOT NULL CHECK (direct IN (0, 1)),
    state       TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'declined', 'withdrawn')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER,
    UNIQUE (entity, room)
) STRICT;

CREATE INDEX invites_pending ON invites (serial) WHERE state = 'pending';

-- A tombstone is followed once per successor, however many loops bring it.
CREATE TABLE upgrades (
    room      TEXT NOT NULL,
    successor TEXT NOT NULL,
    upgrader  TEXT NOT NULL,
    settled   INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    PRIMARY KEY (room, successor)
) STRICT, WITHOUT ROWID;

CREATE TABLE welcomes (
    room TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    entity TEXT,
    room   TEXT,
    who    TEXT,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
