-- Results by length (`list --sort longest`). The column lies after the stored answer, which may be large.
CREATE INDEX results_duration ON results (duration_s);
