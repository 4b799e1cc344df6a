-- Holds of any kind: the kinds are listed in the program alone, so that a new one needs no new table.
CREATE TABLE new_holds (
    kind    TEXT    PRIMARY KEY, -- `HoldKind` in the program
    since   INTEGER NOT NULL,
    ends_at INTEGER, -- time of its automatic end; NULL if unknown
    message TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO new_holds (kind, since, ends_at, message) SELECT kind, since, ends_at, message FROM holds;
DROP TABLE holds;
ALTER TABLE new_holds RENAME TO holds;
