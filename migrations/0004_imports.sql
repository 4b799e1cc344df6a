-- Imports: results that were read from transcripts in the output folder. They were paid for before this queue existed.
ALTER TABLE results ADD COLUMN imported INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1));
