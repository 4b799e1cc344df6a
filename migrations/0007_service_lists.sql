-- What the service says of its models and charges.

-- Lists of the service, as last fetched. They are asked for again when they are old; until then, and while the service cannot
-- be reached, these apply.
CREATE TABLE service_lists (
    name       TEXT    PRIMARY KEY CHECK (name IN ('models', 'deprecations')),
    body       BLOB    NOT NULL, -- JSON of the service
    etag       TEXT,             -- `ETag` of the response, with which an unchanged list is not sent again
    fetched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether a price is that of the dearest variant of the model.
ALTER TABLE prices ADD COLUMN is_upper_bound INTEGER NOT NULL DEFAULT 0 CHECK (is_upper_bound IN (0, 1));

-- Models that the service does not charge by time, with the reason. A price per token is no price of audio.
CREATE TABLE unpriced_models (
    model  TEXT PRIMARY KEY, -- name or alias of the model
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the service charged for an attempt in US dollars, from `x-aimlapi-usd-spent`; NULL if no response said it. It takes
-- precedence over a computed cost.
ALTER TABLE attempts ADD COLUMN charged_usd REAL;
