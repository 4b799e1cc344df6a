-- Items by language, for the list of recordings. The column lies after the stored answer, which may be large.
CREATE INDEX results_language ON results (language) WHERE language IS NOT NULL;
