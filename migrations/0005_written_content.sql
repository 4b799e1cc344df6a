-- Content of the output files, so that a file that was edited since it was written is recognised and kept.
--
-- The columns are NULL for files of earlier versions. Such a file counts as edited.

-- SHA-256 of the content as written.
ALTER TABLE outputs ADD COLUMN sha256 BLOB CHECK (length(sha256) = 32);
-- Change time of the inode after the write (`ctime`), in nanoseconds. With an equal time and size, the file is unchanged
-- and need not be read.
ALTER TABLE outputs ADD COLUMN changed_at_ns INTEGER;
-- SHA-256 of the content that is about to replace the file. NULL again once the replacement is recorded. After a crash in
-- between, the file holds either content.
ALTER TABLE outputs ADD COLUMN replacing_sha256 BLOB CHECK (length(replacing_sha256) = 32);
