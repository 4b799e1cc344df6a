-- Names of speakers, and figures by which transcripts are judged.

-- Names that a user gave to the speakers of a recording. They belong to the recording and not to a job, so that they hold for
-- each later transcript.
CREATE TABLE speaker_names (
    recording_id INTEGER NOT NULL REFERENCES recordings (id),
    speaker      TEXT    NOT NULL CHECK (speaker <> ''), -- number or letter of the service; for a channel its number from 0
    name         TEXT    NOT NULL CHECK (name <> ''),
    PRIMARY KEY (recording_id, speaker)
) STRICT, WITHOUT ROWID;

-- Figures of the transcript as JSON: confidence, share of speech, words a minute and repetitions; NULL for results that were
-- stored by earlier versions.
ALTER TABLE results ADD COLUMN quality TEXT;
