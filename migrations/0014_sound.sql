-- Equality by sound: recordings are the same if their encoded sound is, whatever their tags, pictures and container.

-- BLAKE3 of the encoded sound in hex; set with sha256. NULL if the sound cannot be told from the rest of the file, and for jobs
-- of earlier versions.
ALTER TABLE jobs ADD COLUMN sound_hash TEXT;
-- Hash of the format and of the first packets in hex, as of the last claim. Only recordings with the same one may have the same
-- sound, so that the others need not be hashed before the upload.
ALTER TABLE jobs ADD COLUMN sound_head TEXT;
-- Length of the sound in seconds, with sound_head; NULL if it is not exact. The same sound differs by less than a second.
ALTER TABLE jobs ADD COLUMN sound_s REAL;

-- Duplicates by sound.
CREATE INDEX jobs_sound_hash ON jobs (sound_hash) WHERE sound_hash IS NOT NULL;
-- Possible duplicates by sound.
CREATE INDEX jobs_sound_head ON jobs (sound_head) WHERE sound_head IS NOT NULL;
