-- The queue. Times are UTC milliseconds. CHECKs tie columns to states, so that no statement can leave a job that a
-- start would not know how to take up again.

PRAGMA application_id = 0x6e736372; -- "nscr": tells a database of ours from anybody else's

CREATE TABLE runners (
    id         INTEGER PRIMARY KEY,
    pid        INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;

CREATE TABLE recordings (
    id          INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('file', 'url')),
    location    BLOB    NOT NULL, -- the absolute path in its own bytes, or the URL
    relative    BLOB    NOT NULL, -- the path inside the source, or the name a URL suggests
    base        BLOB    NOT NULL, -- name of its transcripts without extension, one recording's only in its folder
    folder      BLOB    NOT NULL, -- the relative folder, for which `base` is unique
    size_bytes  INTEGER NOT NULL DEFAULT 0,
    modified_at INTEGER NOT NULL DEFAULT 0,
    duration_s  REAL,
    gone        INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)), -- was not there when it was to be submitted
    recorded_at INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL, -- when it was first seen with this size and time
    UNIQUE (source, location),
    UNIQUE (source, folder, base)
) STRICT;

CREATE INDEX recordings_location ON recordings (location);
CREATE INDEX recordings_size ON recordings (size_bytes);

CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY,
    recording_id  INTEGER NOT NULL REFERENCES recordings (id),
    model         TEXT    NOT NULL,
    options       TEXT    NOT NULL, -- JSON with sorted keys: equal options, equal text
    state         TEXT    NOT NULL CHECK (state IN
                      ('queued', 'submitting', 'pending', 'received', 'done', 'failed', 'cancelled')),
    priority      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER NOT NULL, -- queued: not before; received: when writing is tried again
    attempts      INTEGER NOT NULL DEFAULT 0, -- spent since it was recorded or retried
    owner         INTEGER REFERENCES runners (id),
    twin          INTEGER REFERENCES jobs (id), -- a job with equal audio that is on its way: wait for its result
    sha256        TEXT, -- of the audio that was sent
    generation_id TEXT,
    accepted_at   INTEGER,
    expires_at    INTEGER,
    error_class   TEXT,
    error_message TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CHECK ((state IN ('submitting', 'pending')) = (owner IS NOT NULL)),
    CHECK (state <> 'pending' OR (generation_id IS NOT NULL AND accepted_at IS NOT NULL AND expires_at IS NOT NULL)),
    CHECK (state <> 'failed' OR error_class IS NOT NULL),
    CHECK ((error_class IS NULL) = (error_message IS NULL))
) STRICT;

CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_queued ON jobs (priority DESC, due_at, id) WHERE state = 'queued';
CREATE INDEX jobs_pending ON jobs (expires_at) WHERE state = 'pending';
CREATE INDEX jobs_recording ON jobs (recording_id, id);
CREATE INDEX jobs_content ON jobs (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE attempts (
    id                INTEGER PRIMARY KEY,
    job_id            INTEGER NOT NULL REFERENCES jobs (id),
    run_id            INTEGER NOT NULL REFERENCES runners (id),
    client_request_id TEXT    NOT NULL UNIQUE,
    started_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    outcome           TEXT    NOT NULL CHECK (outcome IN
                          ('sending', 'accepted', 'completed', 'refused', 'deferred', 'uncertain', 'lost', 'cancelled')),
    generation_id     TEXT,
    http_status       INTEGER,
    request_id        TEXT,
    error_class       TEXT,
    error_message     TEXT,
    billed_s          REAL,
    CHECK ((outcome IN ('sending', 'accepted')) = (ended_at IS NULL))
) STRICT;

CREATE INDEX attempts_job ON attempts (job_id, id);
CREATE INDEX attempts_doubtful ON attempts (outcome) WHERE outcome IN ('uncertain', 'lost');

CREATE TABLE results (
    job_id      INTEGER PRIMARY KEY REFERENCES jobs (id),
    raw         BLOB    NOT NULL, -- the service's JSON, byte for byte, compressed with gzip
    received_at INTEGER NOT NULL,
    duration_s  REAL,
    words       INTEGER NOT NULL,
    language    TEXT,
    silent      INTEGER NOT NULL CHECK (silent IN (0, 1)),
    paid_by     INTEGER REFERENCES jobs (id) -- the job whose submission this result came from, if not this one's
) STRICT;

CREATE TABLE outputs (
    path       BLOB    PRIMARY KEY,
    job_id     INTEGER NOT NULL REFERENCES jobs (id),
    size_bytes INTEGER NOT NULL,
    written_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX outputs_job ON outputs (job_id);

CREATE TABLE holds (
    kind    TEXT    PRIMARY KEY CHECK (kind IN ('auth', 'credit', 'operator', 'disk')),
    since   INTEGER NOT NULL,
    message TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
