-- A webhook may also take text, which has a subject.

CREATE TABLE new_outbox (
    id                 INTEGER PRIMARY KEY,
    message_id         TEXT    NOT NULL, -- the same in all channels and attempts, so that receivers can deduplicate
    channel            TEXT    NOT NULL CHECK (channel IN ('command', 'webhook', 'email')),
    subject            TEXT,             -- subject of a text; NULL for JSON
    body               TEXT    NOT NULL, -- text or JSON; a webhook for text puts it in the form of its receiver
    created_at         INTEGER NOT NULL,
    due_at             INTEGER NOT NULL, -- time of the next attempt
    attempts           INTEGER NOT NULL DEFAULT 0,
    attempt_started_at INTEGER,          -- start of an attempt without a known outcome: in flight, or interrupted
    delivered_at       INTEGER,
    given_up_at        INTEGER,
    error              TEXT,             -- error of the last attempt
    UNIQUE (message_id, channel),
    CHECK (delivered_at IS NULL OR given_up_at IS NULL),
    CHECK (channel = 'webhook' OR (channel = 'email') = (subject IS NOT NULL))
) STRICT;

INSERT INTO new_outbox
SELECT id, message_id, channel, subject, body, created_at, due_at, attempts, attempt_started_at, delivered_at, given_up_at,
       error
FROM outbox;

DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;

-- Next message to deliver through a channel.
CREATE INDEX outbox_undelivered ON outbox (channel, due_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;
