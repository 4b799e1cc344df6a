-- Whom the queue has told what, and what was run for each transcript. A message waits while it is neither delivered nor
-- given up; a hook waits while it has not ended.

CREATE TABLE told (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    until      INTEGER NOT NULL -- what ended by then is in a summary already
) STRICT;

CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    message      TEXT    NOT NULL, -- the message's ID, the same in each channel and each try
    channel      TEXT    NOT NULL CHECK (channel IN ('command', 'webhook', 'email')),
    subject      TEXT,             -- of an e-mail
    body         TEXT    NOT NULL, -- as it is sent, byte for byte
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL, -- the next try
    tries        INTEGER NOT NULL DEFAULT 0,
    begun_at     INTEGER,          -- the try that is under way, or that a crash cut off
    delivered_at INTEGER,
    given_up_at  INTEGER,
    error        TEXT,             -- of the last try
    UNIQUE (message, channel),
    CHECK (delivered_at IS NULL OR given_up_at IS NULL),
    CHECK ((channel = 'email') = (subject IS NOT NULL))
) STRICT;

CREATE INDEX outbox_waiting ON outbox (channel, due_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;

CREATE TABLE hooks (
    id         INTEGER PRIMARY KEY,
    job_id     INTEGER NOT NULL UNIQUE REFERENCES jobs (id),
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    status     INTEGER, -- its exit status, if it exited
    error      TEXT,    -- what went wrong, if anything did
    CHECK (ended_at IS NOT NULL OR (status IS NULL AND error IS NULL))
) STRICT;

CREATE INDEX hooks_waiting ON hooks (id) WHERE ended_at IS NULL;
