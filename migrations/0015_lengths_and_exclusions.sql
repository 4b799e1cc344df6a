-- How lengths are known, what is sent as it is, and a state for what the limits of a source leave out.

-- 1 if `duration_s` was extrapolated from parts of the file.
ALTER TABLE recordings ADD COLUMN length_is_estimate INTEGER NOT NULL DEFAULT 0 CHECK (length_is_estimate IN (0, 1));
-- Versions of the readers that could not tell the length of the file as it is. It is not read again until others are there.
-- NULL if the length is known or was not tried.
ALTER TABLE recordings ADD COLUMN length_unknown_to TEXT;

-- The state `excluded`. SQLite documents this way of changing a CHECK (lang_altertable, section 7): it concerns no stored
-- value, and a copy of the table would be slow. The next statements change the schema cookie, so that no connection keeps
-- the earlier schema.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, 'OR state = ''cancelled'')', 'OR state = ''cancelled'' OR state = ''excluded'')')
WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;

-- 1 if a user wants the recording submitted although its file is truncated, until the file changes.
ALTER TABLE jobs ADD COLUMN as_is INTEGER NOT NULL DEFAULT 0 CHECK (as_is IN (0, 1));

INSERT INTO job_counts (state, jobs) VALUES ('excluded', 0);
-- A job whose recording changed since has a newer job. It stays cancelled.
UPDATE jobs SET state = 'excluded'
WHERE state = 'cancelled' AND error_class = 'skipped'
  AND NOT EXISTS (SELECT 1 FROM jobs l WHERE l.recording_id = jobs.recording_id AND l.id > jobs.id);
-- `jobs_state` and `job_counts` serve the queries of that state.
DROP INDEX jobs_excluded;
