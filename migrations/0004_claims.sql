-- A claim of hashed content is compared with what is on its way unhashed: mostly nothing, beside hundreds that are hashed.

CREATE INDEX jobs_unhashed ON jobs (id) WHERE state = 'submitting' AND sha256 IS NULL;
