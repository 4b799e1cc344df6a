-- What was sent if it was not the recording itself.

-- SHA-256 in hex of the copy of the sound track that was sent in place of a video. NULL if the recording was sent. The
-- answer of the service names the hash of what it received.
ALTER TABLE attempts ADD COLUMN sent_sha256 TEXT;
