-- A submission whose answer was lost is looked up at the service before the job is submitted again.

ALTER TABLE jobs ADD COLUMN doubt INTEGER REFERENCES attempts (id) CHECK (doubt IS NULL OR state = 'queued');
ALTER TABLE jobs ADD COLUMN looks INTEGER NOT NULL DEFAULT 0; -- looks taken so far

CREATE INDEX jobs_doubt ON jobs (due_at) WHERE doubt IS NOT NULL;
