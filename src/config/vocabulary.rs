//! Vocabulary files: terms that a model should expect, one per line.

use crate::config::small_file::read_text;
use std::path::Path;

/// Maximum size of a vocabulary file, in bytes. Many times the limit of every model.
const MAX_BYTES: usize = 64 * 1024;

/// Reads the terms of the file at `path`, without duplicates. Empty lines and lines that start with `#` are skipped.
///
/// # Errors
/// If the file cannot be read, has no terms, or a term has control characters. The message names the file.
pub(super) fn read_vocabulary(path: &Path) -> Result<Vec<String>, String> {
    let file = path.display();
    // Opening a pipe would wait for its writer.
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return Err(format!("`{file}` does not exist or is not a file"));
    }
    let text =
        read_text(path, MAX_BYTES).map_err(|error| format!("`{file}` cannot be read: {error}"))?;
    parse_terms(&text).map_err(|error| format!("`{file}` {error}"))
}

fn parse_terms(text: &str) -> Result<Vec<String>, String> {
    let mut terms: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let term = line.trim();
        if term.chars().any(char::is_control) {
            return Err(format!("has a control character in line {number}"));
        }
        if term.is_empty() || term.starts_with('#') || terms.iter().any(|known| known == term) {
            continue;
        }
        terms.push(term.to_owned());
    }
    if terms.is_empty() {
        return Err("has no terms; write one per line".to_owned());
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_once_each_without_comments() {
        let terms = parse_terms("\u{feff}# names\nAda Lovelace\r\n\n  Zuse \nZuse\n");
        assert_eq!(
            terms,
            Ok(vec!["Ada Lovelace".to_owned(), "Zuse".to_owned()])
        );
    }

    #[test]
    fn unusable_files_are_named_with_their_problem() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.txt");
        let error = || read_vocabulary(&path).unwrap_err();
        assert!(error().ends_with("words.txt` does not exist or is not a file"));
        for (bytes, problem) in [
            (
                &b"# only a comment\n"[..],
                "has no terms; write one per line",
            ),
            (b"good\nb\x07d\n", "has a control character in line 2"),
            (b"\xff\xfe", "cannot be read: the file is not valid UTF-8"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(error().ends_with(problem), "{}", error());
        }
    }
}
