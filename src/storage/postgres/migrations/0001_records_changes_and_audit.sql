-- What the store keeps: records on shelves. Bodies are sealed for their shelf, id and principal.
CREATE TABLE tickgate_records (
    shelf TEXT NOT NULL,
    id BYTEA NOT NULL CHECK (length(id) = 16),
    principal TEXT NOT NULL,
    -- Milliseconds since 1970; NULL: never.
    expires_ms BIGINT,
    body BYTEA NOT NULL,
    -- A new random number at each write, so that a record is replaced only in the state that was read.
    version BIGINT NOT NULL,
    PRIMARY KEY (shelf, id)
);

CREATE INDEX tickgate_records_by_expiry ON tickgate_records (expires_ms) WHERE expires_ms IS NOT NULL;

CREATE INDEX tickgate_records_by_principal ON tickgate_records (principal, shelf);

-- What has happened to records that gateways hold in memory. The newest are kept, so that numbers go on.
CREATE TABLE tickgate_changes (
    seq BIGINT PRIMARY KEY,
    shelf TEXT NOT NULL,
    id BYTEA NOT NULL CHECK (length(id) = 16)
);

-- The audit log: gapless, each row chained to the one before. Bodies are sealed for their place.
CREATE TABLE tickgate_audit (
    seq BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    body BYTEA NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32)
);

-- Its ends, signed: 'head', the newest row; 'checkpoint', the newest that was purged.
CREATE TABLE tickgate_audit_marks (
    name TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    signature BYTEA NOT NULL
);
