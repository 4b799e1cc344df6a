-- Jobs that wait for the budget, and jobs outside the limits of their source.
--
-- A queued job of the class `budget` is not submitted by the present run. The next run checks it again. A cancelled job of
-- the class `skipped` is outside the limits of its source. It is queued again when the limits include it.

-- Number of jobs that wait for the budget (`status`); their end at the start of a run.
CREATE INDEX jobs_over_budget ON jobs (id) WHERE state = 'queued' AND error_class = 'budget';
-- Jobs outside the limits of their source.
CREATE INDEX jobs_excluded ON jobs (id) WHERE state = 'cancelled' AND error_class = 'skipped';

-- Earlier versions cancelled a recording whose length was unknown or above a cap. It waits in the queue now, unless the
-- recording has a newer job.
UPDATE jobs SET state = 'queued', error_class = 'budget'
WHERE state = 'cancelled' AND error_class = 'skipped'
  AND (error_message LIKE 'this recording alone exceeds %' OR error_message LIKE 'cannot enforce %')
  AND NOT EXISTS (SELECT 1 FROM jobs l WHERE l.recording_id = jobs.recording_id AND l.id > jobs.id);
