//! Suggestions for mistyped names.

/// Returns the known name most similar to `name`, or `None` if none is similar enough. The comparison ignores case.
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
        .filter(|(similarity, _)| *similarity >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Returns the text `; did you mean …?` to append to an error message, or an empty string.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_name_is_suggested() {
        let known = ["interval", "max_interval"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("maxinterval", known), Some("max_interval"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(suggestion("INTERVAL", known), "; did you mean `interval`?");
        assert_eq!(suggestion("q", known), "");
    }
}
