-- A new random number at each write, so that a record is replaced only in the state that was read.
ALTER TABLE records ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

CREATE INDEX records_by_principal ON records (principal, shelf);

-- What has happened to records that gateways hold in memory. The newest are kept, so that numbers go on.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    shelf TEXT NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;

-- The audit log: gapless, each row chained to the one before. Bodies are sealed for their place.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Its ends, signed: 'head', the newest row; 'checkpoint', the newest that was purged.
CREATE TABLE audit_marks (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    signature BLOB NOT NULL
) STRICT;
