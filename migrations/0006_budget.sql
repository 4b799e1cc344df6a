-- Budgets and prices.

-- A hold may know when it ends.
CREATE TABLE holds_now (
    kind    TEXT    PRIMARY KEY CHECK (kind IN ('auth', 'credit', 'operator', 'disk', 'budget')),
    since   INTEGER NOT NULL,
    ends_at INTEGER, -- when it ends by itself, where that is known
    message TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO holds_now (kind, since, message) SELECT kind, since, message FROM holds;
DROP TABLE holds;
ALTER TABLE holds_now RENAME TO holds;

-- What the service says that its models cost, as it was asked last.
CREATE TABLE prices (
    model      TEXT    PRIMARY KEY, -- a name or another name of it
    per_minute REAL    NOT NULL CHECK (per_minute >= 0),
    currency   TEXT    NOT NULL,
    fetched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
