-- How often all messages of an answer were taken back: each time it begins in a new one.
ALTER TABLE turns ADD COLUMN withdrawals INTEGER NOT NULL DEFAULT 0;
