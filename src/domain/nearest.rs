//! Which known name somebody probably meant.

/// The known name most like `name`, if any is like it enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(&name, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// ` (did you mean …?)`, or nothing: the end of a refusal.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let known = ["interval", "max_interval"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("maxinterval", known), Some("max_interval"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(suggestion("INTERVAL", known), "; did you mean `interval`?");
        assert_eq!(suggestion("q", known), "");
    }
}
