-- Schema of the queue.
--
-- Times are UTC in milliseconds, unless their comment says otherwise. Paths are BLOBs because they need not be UTF-8.
-- CHECKs tie columns to states. No statement can thus leave a job that the next start cannot recover.

PRAGMA application_id = 0x6e736372; -- "nscr"; distinguishes the file from the databases of other programs

-- Runs: one row for each process that worked on the queue.
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY,
    pid        INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER -- NULL while it runs; after a crash, the next start sets it
) STRICT;

-- Recordings: one row for each file of a source, and for each URL added to it.
CREATE TABLE recordings (
    id          INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL, -- name of the source in the configuration
    kind        TEXT    NOT NULL CHECK (kind IN ('file', 'url')),
    location    BLOB    NOT NULL, -- absolute path, or URL
    relative    BLOB    NOT NULL, -- path relative to the source, or the name suggested by the URL
    base_name   BLOB    NOT NULL, -- name of the transcripts, without extension
    folder      BLOB    NOT NULL, -- parent folder of `relative`
    size_bytes  INTEGER NOT NULL DEFAULT 0, -- as of the last scan; 0 for a URL
    modified_at INTEGER NOT NULL DEFAULT 0, -- modification time as of the last scan; 0 for a URL
    duration_s  REAL,             -- duration of the audio in seconds; NULL until probed
    missing     INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1)), -- 1 if the file did not exist at submission
    recorded_at INTEGER NOT NULL, -- when the recording was added to the queue
    seen_at     INTEGER NOT NULL, -- when a scan first saw this size and modification time
    UNIQUE (source, location),         -- scan diff, by ranges of locations; the jobs of a path in `show`
    UNIQUE (source, folder, base_name) -- assignment of a free base name; folder rules, by ranges of folders
) STRICT;

-- Possible duplicates: files of equal size.
CREATE INDEX recordings_size ON recordings (size_bytes);

-- Jobs: one row for each transcription of a recording. A recording that changes after its transcript gets another job.
--
-- The CHECK of the state compares value by value. For a list of more than two, SQLite would fill a temporary table for
-- each row that it writes.
CREATE TABLE jobs (
    id                   INTEGER PRIMARY KEY,
    recording_id         INTEGER NOT NULL REFERENCES recordings (id),
    model                TEXT    NOT NULL,
    options              TEXT    NOT NULL, -- JSON with sorted keys, so that equal options are equal text
    state                TEXT    NOT NULL CHECK (state = 'queued' OR state = 'submitting' OR state = 'pending'
                             OR state = 'received' OR state = 'done' OR state = 'failed' OR state = 'cancelled'),
    priority             INTEGER NOT NULL DEFAULT 0, -- greater is earlier
    due_at               INTEGER NOT NULL, -- queued: earliest submission, or next lookup; received: earliest write
    attempts             INTEGER NOT NULL DEFAULT 0, -- attempts spent since the job was created or retried
    run_id               INTEGER REFERENCES runs (id), -- run that submits or polls it
    duplicate_of         INTEGER REFERENCES jobs (id), -- queued: wait while this job of equal content is in flight
    sha256               TEXT, -- hash of the audio in hex; NULL until it is hashed, before or during the upload
    generation_id        TEXT, -- generation ID at the service
    accepted_at          INTEGER,
    expires_at           INTEGER, -- expiry of the transcription at the service
    error_class          TEXT, -- class of the last error
    error_message        TEXT,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    -- Attempt that the service may have accepted. It is looked up there before the job is submitted again.
    uncertain_attempt_id INTEGER REFERENCES attempts (id) CHECK (uncertain_attempt_id IS NULL OR state = 'queued'),
    lookups              INTEGER NOT NULL DEFAULT 0, -- lookups that did not find that attempt
    CHECK ((state IN ('submitting', 'pending')) = (run_id IS NOT NULL)),
    CHECK (state <> 'pending' OR (generation_id IS NOT NULL AND accepted_at IS NOT NULL AND expires_at IS NOT NULL)),
    CHECK (state <> 'failed' OR error_class IS NOT NULL),
    CHECK ((error_class IS NULL) = (error_message IS NULL))
) STRICT;

-- Jobs in a state, newest first (`list`); received results, oldest first; recovery of submitting jobs.
CREATE INDEX jobs_state ON jobs (state, id);
-- Candidates for submission, in their order; head of the queue in the live view.
CREATE INDEX jobs_queued ON jobs (priority DESC, due_at, id) WHERE state = 'queued';
-- Pending jobs, nearest expiry first.
CREATE INDEX jobs_pending ON jobs (expires_at) WHERE state = 'pending';
-- Latest job of a recording, and its earlier jobs.
CREATE INDEX jobs_recording ON jobs (recording_id, id);
-- Duplicates by content.
CREATE INDEX jobs_sha256 ON jobs (sha256) WHERE sha256 IS NOT NULL;
-- Uncertain jobs that are due for a lookup.
CREATE INDEX jobs_uncertain ON jobs (due_at) WHERE uncertain_attempt_id IS NOT NULL;
-- Jobs being sent without a known hash, each a possible duplicate. There are few among many that are hashed.
CREATE INDEX jobs_unhashed ON jobs (id) WHERE state = 'submitting' AND sha256 IS NULL;

-- Attempts: one row for each submission of a job, inserted before the request is sent.
--
-- The CHECK of the outcome compares value by value, as that of jobs.state.
CREATE TABLE attempts (
    id                INTEGER PRIMARY KEY,
    job_id            INTEGER NOT NULL REFERENCES jobs (id),
    run_id            INTEGER NOT NULL REFERENCES runs (id),
    client_request_id TEXT    NOT NULL UNIQUE, -- `X-Client-Request-Id` of the request; key of a lookup
    started_at        INTEGER NOT NULL, -- time of the claim
    ended_at          INTEGER, -- NULL while in flight
    outcome           TEXT    NOT NULL CHECK (outcome = 'sending' OR outcome = 'accepted' OR outcome = 'completed'
                          OR outcome = 'refused' OR outcome = 'deferred' OR outcome = 'uncertain' OR outcome = 'lost'
                          OR outcome = 'cancelled'),
    generation_id     TEXT,    -- generation ID at the service
    http_status       INTEGER, -- of the answer to the submission
    request_id        TEXT,    -- `x-request-id` of that answer
    error_class       TEXT,
    error_message     TEXT,
    billed_s          REAL,    -- billed audio in seconds
    CHECK ((outcome IN ('sending', 'accepted')) = (ended_at IS NULL))
) STRICT;

-- Attempts of a job, oldest first; its latest attempt.
CREATE INDEX attempts_job ON attempts (job_id, id);
-- Number of submissions that may have been billed without a transcript (`status`).
CREATE INDEX attempts_uncertain ON attempts (outcome) WHERE outcome IN ('uncertain', 'lost');

-- Results: the transcription of a job, as received.
CREATE TABLE results (
    job_id      INTEGER PRIMARY KEY REFERENCES jobs (id),
    raw         BLOB    NOT NULL, -- JSON of the service, byte for byte, compressed with gzip
    received_at INTEGER NOT NULL,
    duration_s  REAL,             -- billed duration in seconds
    words       INTEGER NOT NULL, -- number of words with times
    language    TEXT,             -- detected language
    silent      INTEGER NOT NULL CHECK (silent IN (0, 1)), -- 1 if the recording contains no speech
    paid_by     INTEGER REFERENCES jobs (id) -- duplicate whose result this is; NULL if the job was submitted itself
) STRICT;

-- Outputs: the files written for a job. A file belongs to the job that wrote it last.
CREATE TABLE outputs (
    path       BLOB    PRIMARY KEY, -- absolute path
    job_id     INTEGER NOT NULL REFERENCES jobs (id),
    size_bytes INTEGER NOT NULL,
    written_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Output files of a job.
CREATE INDEX outputs_job ON outputs (job_id);

-- Job counts: the number of jobs in each state, maintained by triggers. Counting a million rows would take too long for
-- `status` and for the snapshot that a run takes every second.
CREATE TABLE job_counts (
    state TEXT    PRIMARY KEY,
    jobs  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO job_counts (state, jobs)
VALUES ('queued', 0), ('submitting', 0), ('pending', 0), ('received', 0), ('done', 0), ('failed', 0), ('cancelled', 0);

CREATE TRIGGER job_counts_insert AFTER INSERT ON jobs BEGIN
    UPDATE job_counts SET jobs = jobs + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER job_counts_update AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
    UPDATE job_counts SET jobs = jobs + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER job_counts_delete AFTER DELETE ON jobs BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
END;

-- Summary cursor: a single row, inserted by the first run with notifications.
CREATE TABLE summary_cursor (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    covered_until INTEGER NOT NULL -- end of the period of the last summary, where the next one starts
) STRICT;

-- Outbox: one row for each notification and channel. A row is undelivered until it is delivered or given up.
CREATE TABLE outbox (
    id                 INTEGER PRIMARY KEY,
    message_id         TEXT    NOT NULL, -- the same in all channels and attempts, so that receivers can deduplicate
    channel            TEXT    NOT NULL CHECK (channel IN ('command', 'webhook', 'email')),
    subject            TEXT,             -- subject of an e-mail
    body               TEXT    NOT NULL, -- byte for byte as sent
    created_at         INTEGER NOT NULL,
    due_at             INTEGER NOT NULL, -- time of the next attempt
    attempts           INTEGER NOT NULL DEFAULT 0,
    attempt_started_at INTEGER,          -- start of an attempt without a known outcome: in flight, or interrupted
    delivered_at       INTEGER,
    given_up_at        INTEGER,
    error              TEXT,             -- error of the last attempt
    UNIQUE (message_id, channel),
    CHECK (delivered_at IS NULL OR given_up_at IS NULL),
    CHECK ((channel = 'email') = (subject IS NOT NULL))
) STRICT;

-- Next message to deliver through a channel.
CREATE INDEX outbox_undelivered ON outbox (channel, due_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;

-- Hooks: one row for each finished job whose source has a hook. After a crash, a hook without an end runs again.
CREATE TABLE hooks (
    id          INTEGER PRIMARY KEY,
    job_id      INTEGER NOT NULL UNIQUE REFERENCES jobs (id),
    created_at  INTEGER NOT NULL, -- time the job was done
    ended_at    INTEGER, -- NULL while it waits or runs
    exit_status INTEGER, -- NULL if it did not exit by itself
    error       TEXT,
    CHECK (ended_at IS NOT NULL OR (exit_status IS NULL AND error IS NULL))
) STRICT;

-- Hooks to run, oldest first.
CREATE INDEX hooks_waiting ON hooks (id) WHERE ended_at IS NULL;

-- Holds: the reasons why nothing is submitted at present.
CREATE TABLE holds (
    kind    TEXT    PRIMARY KEY CHECK (kind IN ('auth', 'credit', 'operator', 'disk', 'budget')),
    since   INTEGER NOT NULL,
    ends_at INTEGER, -- time of its automatic end; NULL if unknown
    message TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Prices: the model prices last fetched from the service.
CREATE TABLE prices (
    model      TEXT    PRIMARY KEY, -- name or alias of the model
    per_minute REAL    NOT NULL CHECK (per_minute >= 0), -- in `currency`, for a minute of audio
    currency   TEXT    NOT NULL,
    fetched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Folder rules: model and options for the recordings below a folder, as of the last scan.
CREATE TABLE folder_rules (
    source  TEXT NOT NULL,
    folder  BLOB NOT NULL, -- relative to the source, as recordings.folder; empty for the whole source
    prefix  BLOB NOT NULL, -- common prefix of all folders below `folder`
    model   TEXT NOT NULL,
    options TEXT NOT NULL, -- JSON, as jobs.options
    PRIMARY KEY (source, folder)
) STRICT, WITHOUT ROWID;
