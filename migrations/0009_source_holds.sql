-- Source holds: recordings that look as if they were paid for before are not submitted until the user decides.

-- Evidence that a queued job is paid for, found by a comparison, or the approval of the user:
--   transcribed  a transcript has the name of the recording, and the queue does not know it
--   changed      the recording was transcribed and has another content since
--   approved     the user has approved the payment (`resume --submit-anyway`)
-- NULL if nothing was found.
ALTER TABLE jobs ADD COLUMN paid_mark TEXT
    CHECK (paid_mark = 'transcribed' OR paid_mark = 'changed' OR paid_mark = 'approved');

-- Holds of single sources. Other sources go on. URLs and approved jobs are never held.
CREATE TABLE source_holds (
    source  TEXT    PRIMARY KEY,
    since   INTEGER NOT NULL,
    -- 1 if all files of the source are held; 0 if only those with a transcript are.
    whole   INTEGER NOT NULL CHECK (whole IN (0, 1)),
    message TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
