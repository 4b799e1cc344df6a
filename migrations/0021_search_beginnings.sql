-- Beginnings of the words of each transcript: their first two and three characters, each once. A search for such a prefix
-- would otherwise read the places of all words with it, which are most of the index. No places are stored.
CREATE VIRTUAL TABLE search_beginnings USING fts5 (
    beginnings,
    content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- Transcripts of earlier versions are indexed again. Their words are found meanwhile.
INSERT INTO search_backlog (job_id)
SELECT job_id FROM search_entries WHERE true
ON CONFLICT (job_id) DO UPDATE SET version = version + 1;
