-- Folders whose recordings are asked for otherwise than their source says, as the last scan found them.

CREATE TABLE rules (
    source  TEXT NOT NULL,
    folder  BLOB NOT NULL, -- inside the source, as in recordings; empty for all of it
    prefix  BLOB NOT NULL, -- what the folders below it begin with
    model   TEXT NOT NULL,
    options TEXT NOT NULL,
    PRIMARY KEY (source, folder)
) STRICT, WITHOUT ROWID;
