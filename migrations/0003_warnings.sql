-- Warnings about finished transcripts, and answers that could not be used.

-- Warnings of a done job: a JSON list of names. NULL without warnings.
ALTER TABLE jobs ADD COLUMN warnings TEXT;

-- Number of transcripts with warnings (`report`, summaries).
CREATE INDEX jobs_warnings ON jobs (updated_at) WHERE warnings IS NOT NULL;

-- Unusable answers: the latest answer to a poll of a job that could not be used. It was paid for, so it is kept for a
-- later version, or for the user.
CREATE TABLE unusable_answers (
    job_id      INTEGER PRIMARY KEY REFERENCES jobs (id),
    attempt_id  INTEGER NOT NULL REFERENCES attempts (id), -- attempt that was polled
    raw         BLOB    NOT NULL, -- answer of the service, byte for byte, compressed with gzip
    reason      TEXT    NOT NULL, -- why it could not be used
    received_at INTEGER NOT NULL
) STRICT;
