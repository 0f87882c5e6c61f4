-- Accounts of entities that are configured no longer and are deactivated for good, as `accounts.deactivate_removed` has it.

-- due: the entity goes; until it has begun, it may come back. begun: the homeserver was asked, or is about to be. done: it did.
CREATE TABLE retirements (
    entity TEXT PRIMARY KEY,
    state  TEXT NOT NULL CHECK (state IN ('due', 'begun', 'done'))
) STRICT, WITHOUT ROWID;
