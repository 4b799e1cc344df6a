-- Transcripts of low confidence are made again with another model.

-- Job whose transcript this one is to replace; NULL for all others. Such a job keeps its model and options, whatever its source
-- has.
ALTER TABLE jobs ADD COLUMN retry_of INTEGER REFERENCES jobs (id);
-- 1 if the files are written only if the transcript has a higher confidence than that of `retry_of`.
ALTER TABLE jobs ADD COLUMN keep_better INTEGER NOT NULL DEFAULT 0 CHECK (keep_better IN (0, 1));
-- 1 if it has not. The job is done and its result is stored, but the files are those of the earlier job.
ALTER TABLE jobs ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0 CHECK (set_aside IN (0, 1));

-- Results by confidence (`list --sort confidence`, `retry --low-quality`). It also spares reading past the stored answers.
CREATE INDEX results_confidence ON results (quality ->> '$.confidence') WHERE quality IS NOT NULL;
