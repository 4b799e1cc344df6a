-- Models whose circuit breaker is tripped in the active run. The run has the breakers in memory, and writes them here for others
-- within a second. Each run begins without any.
CREATE TABLE tripped_models (
    model TEXT    PRIMARY KEY, -- canonical name
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
