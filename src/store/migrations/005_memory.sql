-- What agents keep: facts, turns and summaries, the first two found again by their words.

-- A fact that an agent was told to keep, or a turn that it answered. A fact with a person is found wherever that person
-- asks; everything else in its room alone.
CREATE TABLE memos (
    id      INTEGER PRIMARY KEY,
    agent   TEXT NOT NULL,
    sort    TEXT NOT NULL CHECK (sort IN ('fact', 'turn')),
    room    TEXT NOT NULL,
    thread  TEXT,
    person  TEXT,
    turn    TEXT NOT NULL,
    text    TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    CHECK (sort = 'fact' OR person IS NULL)
) STRICT;

CREATE INDEX memos_of_agent ON memos (agent, sort, room);
CREATE UNIQUE INDEX memos_of_turn ON memos (turn, agent) WHERE sort = 'turn';
CREATE UNIQUE INDEX memos_once ON memos (agent, turn, text) WHERE sort = 'fact';

-- The messages that a memo comes from. When one of them is deleted, the memo goes.
CREATE TABLE memo_sources (
    room  TEXT NOT NULL,
    event TEXT NOT NULL,
    memo  INTEGER NOT NULL REFERENCES memos (id) ON DELETE CASCADE,
    PRIMARY KEY (room, event, memo)
) STRICT, WITHOUT ROWID;

CREATE INDEX memo_sources_of_memo ON memo_sources (memo);

CREATE VIRTUAL TABLE memo_words USING fts5 (
    text, content = 'memos', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER memos_words_in AFTER INSERT ON memos BEGIN
    INSERT INTO memo_words (rowid, text) VALUES (NEW.id, NEW.text);
END;

CREATE TRIGGER memos_words_out AFTER DELETE ON memos BEGIN
    INSERT INTO memo_words (memo_words, rowid, text) VALUES ('delete', OLD.id, OLD.text);
END;

-- What an agent made of the beginning of a conversation that no longer fits: everything up to `until`.
CREATE TABLE summaries (
    agent  TEXT NOT NULL,
    room   TEXT NOT NULL,
    thread TEXT NOT NULL DEFAULT '',
    until  INTEGER NOT NULL,
    text   TEXT NOT NULL,
    PRIMARY KEY (agent, room, thread)
) STRICT, WITHOUT ROWID;
