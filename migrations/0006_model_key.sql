-- One model, one name: jobs are compared by the canonical name of their model.

-- The value of `domain::model_name::canonical_model` for `model`: lower case, without the prefix of the service and without
-- the vendor. The name of a Deepgram family means its general model. The column is computed, so that it also holds for jobs
-- of earlier versions, and no statement has to set it.
ALTER TABLE jobs ADD COLUMN model_key TEXT NOT NULL GENERATED ALWAYS AS (
    CASE replace(lower(trim(model)), '#g1_', '')
        WHEN 'nova-2' THEN 'nova-2-general'
        WHEN 'nova-3' THEN 'nova-3-general'
        WHEN 'deepgram/nova-2' THEN 'nova-2-general'
        WHEN 'deepgram/nova-3' THEN 'nova-3-general'
        ELSE substr(replace(lower(trim(model)), '#g1_', ''), instr(replace(lower(trim(model)), '#g1_', ''), '/') + 1)
    END
) VIRTUAL;
