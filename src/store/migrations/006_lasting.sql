-- What lets a house last: messages that were missed and wait for what people want, and
-- answers that break down again and again; and nothing that was taken back stays in the index of words.

-- Whether it happened while the entity that brought it was away.
ALTER TABLE events ADD COLUMN missed INTEGER NOT NULL DEFAULT 0 CHECK (missed IN (0, 1));

-- Messages that are held back until people say which of them are answered.
CREATE INDEX decisions_held ON decisions (room) WHERE rule = 'N7' AND action = 'ask';

-- How often somebody began to give an answer since one attempt ended, whatever way, or a person asked for it again.
ALTER TABLE turns ADD COLUMN tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0);

CREATE INDEX summaries_of_thread ON summaries (room, thread);

INSERT INTO memo_words (memo_words, rank) VALUES ('secure-delete', 1);
