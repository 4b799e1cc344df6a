-- Full-text search in transcripts.

-- Places of the words of each transcript, by the ID of its job. The text itself is not stored: it is in the result. The program
-- divides texts into words (`domain::search::words`) and passes them on with spaces between, in their compared form. The
-- tokenizer therefore only has to separate at spaces. Those of SQLite know fewer characters, and divide some scripts wrongly.
CREATE VIRTUAL TABLE transcript_search USING fts5 (
    words,    -- of the transcript, with names and replacements
    speakers, -- of the labels of its speakers
    content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- Transcripts in the index. A recording has one, that of its files.
CREATE TABLE search_entries (
    job_id       INTEGER PRIMARY KEY REFERENCES jobs (id), -- also the row in transcript_search
    recording_id INTEGER NOT NULL UNIQUE REFERENCES recordings (id),
    recorded_at  INTEGER NOT NULL, -- modification time of the file; for a URL the time of its submission
    language     TEXT,             -- detected or requested language (BCP-47)
    digest       INTEGER NOT NULL  -- of the words, speakers and language, to recognise a changed entry
) STRICT;

-- Transcripts that are missing in the index, or changed since. Triggers fill it in the commit of the change, so that none is
-- forgotten. A run and each search take transcripts from it.
CREATE TABLE search_backlog (
    job_id     INTEGER PRIMARY KEY REFERENCES jobs (id),
    version    INTEGER NOT NULL DEFAULT 0, -- number of changes since, so that none is lost while an earlier one is indexed
    is_rebuild INTEGER NOT NULL DEFAULT 0 CHECK (is_rebuild IN (0, 1)) -- 1 if a rebuild of the index has added it
) STRICT;

-- The save stage writes the entry in the commit of `done`, before the state. Others, such as imports, do not.
CREATE TRIGGER search_backlog_done AFTER UPDATE OF state ON jobs
WHEN NEW.state = 'done' AND OLD.state <> 'done' AND NEW.set_aside = 0
    AND NOT EXISTS (SELECT 1 FROM search_entries WHERE job_id = NEW.id)
BEGIN
    INSERT INTO search_backlog (job_id) VALUES (NEW.id) ON CONFLICT (job_id) DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER search_backlog_named AFTER INSERT ON speaker_names BEGIN
    INSERT INTO search_backlog (job_id)
    SELECT job_id FROM search_entries WHERE recording_id = NEW.recording_id
    ON CONFLICT (job_id) DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER search_backlog_unnamed AFTER DELETE ON speaker_names BEGIN
    INSERT INTO search_backlog (job_id)
    SELECT job_id FROM search_entries WHERE recording_id = OLD.recording_id
    ON CONFLICT (job_id) DO UPDATE SET version = version + 1;
END;

-- Transcripts of earlier versions.
INSERT INTO search_backlog (job_id)
SELECT max(id) FROM jobs WHERE state = 'done' AND set_aside = 0 GROUP BY recording_id;
