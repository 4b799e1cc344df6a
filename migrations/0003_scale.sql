-- What a queue of a million jobs needs.

-- Jobs by state, kept with every change of one: counting a million rows takes longer than a glance at them.
CREATE TABLE tallies (
    state TEXT    PRIMARY KEY,
    jobs  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO tallies (state, jobs)
VALUES ('queued', 0), ('submitting', 0), ('pending', 0), ('received', 0), ('done', 0), ('failed', 0), ('cancelled', 0);
UPDATE tallies SET jobs = (SELECT count(*) FROM jobs WHERE jobs.state = tallies.state);

CREATE TRIGGER jobs_begun AFTER INSERT ON jobs BEGIN
    UPDATE tallies SET jobs = jobs + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
    UPDATE tallies SET jobs = jobs - 1 WHERE state = OLD.state;
    UPDATE tallies SET jobs = jobs + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER jobs_removed AFTER DELETE ON jobs BEGIN
    UPDATE tallies SET jobs = jobs - 1 WHERE state = OLD.state;
END;

-- UNIQUE (source, location) finds a location as well, by one search for each source.
DROP INDEX recordings_location;
