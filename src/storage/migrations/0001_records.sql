-- What the store keeps: records on shelves. Bodies are sealed for their shelf, id and principal.
CREATE TABLE records (
    shelf TEXT NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    principal TEXT NOT NULL,
    -- Milliseconds since 1970; NULL: never.
    expires_ms INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (shelf, id)
) STRICT;

CREATE INDEX records_by_expiry ON records (expires_ms) WHERE expires_ms IS NOT NULL;
