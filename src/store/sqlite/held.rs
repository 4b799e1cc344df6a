//! The SQL condition of held jobs.

/// SQL condition: the job `j` of the recording `r` is held, because the recording looks paid for.
///
/// It is false for URLs, and for jobs whose payment is approved.
pub(crate) const IS_HELD: &str = "(r.kind = 'file' AND j.paid_mark IS NOT 'approved'
    AND EXISTS (SELECT 1 FROM source_holds h WHERE h.source = r.source AND (h.whole = 1 OR j.paid_mark = 'transcribed')))";
