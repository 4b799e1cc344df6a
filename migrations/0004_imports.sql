-- Imports: results that were read from transcripts in the output folder. They were paid for before this queue existed.
ALTER TABLE results ADD COLUMN imported INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1));

-- Source holds: the sources of which nothing is submitted, because it looks as if their recordings were paid for before.
-- Other sources go on.
CREATE TABLE source_holds (
    source  TEXT    PRIMARY KEY,
    since   INTEGER NOT NULL,
    message TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Approvals: the answer of the user that the recordings of a held source are to be paid for. It concerns the jobs created
-- until then.
CREATE TABLE approvals (
    source      TEXT    PRIMARY KEY,
    approved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
