//! Rules file of a folder of recordings. Its `model` and `[options]` override those of the source or the parent folder.

use crate::config::diagnostics::Diagnostic;
use crate::config::document::{Table, parse};
use crate::config::section::Section;
use crate::config::small_file::read_text;
use crate::config::source::{check_options, read_model};
use crate::domain::Request;
use std::collections::BTreeMap;
use std::path::Path;

/// Maximum size of a rules file, in bytes. Many times the size of a file with every option.
const MAX_BYTES: usize = 64 * 1024;
/// Label of the section in diagnostics.
const LABEL: &str = "folder rules";

/// Reads the rules file at `path` and merges it over `above`, the request of the parent folder. An option that the file
/// does not set is inherited.
///
/// # Errors
/// If the file cannot be read or is invalid. The message lists every problem with its line.
pub fn request_for_folder(
    path: &Path,
    above: &Request,
    any_model: bool,
) -> Result<Request, String> {
    let text = read_text(path, MAX_BYTES).map_err(|error| {
        let file = path.display();
        format!("{file}: cannot be read: {error}")
    })?;
    parse_rules(&text, path, above, any_model).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        problems.join("; ")
    })
}

fn parse_rules(
    text: &str,
    path: &Path,
    above: &Request,
    any_model: bool,
) -> Result<Request, Vec<Diagnostic>> {
    let table = parse(text, path).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let none = Table::default();
    let mut section = Section::new(LABEL, table, none, BTreeMap::new(), &mut problems);
    let (model, _) = read_model(&mut section, any_model);
    let options = section.table("options");
    section.finish();
    let own = check_options(options, LABEL, &mut problems);
    if !problems.is_empty() {
        problems.sort();
        return Err(problems);
    }
    let mut options = above.options().clone();
    options.extend(own);
    let model = model.unwrap_or_else(|| above.model().to_owned());
    Ok(Request::new(model, options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn above() -> Request {
        let options = [("diarize", json!(true)), ("language", json!("en"))];
        Request::new(
            "#g1_nova-2-general",
            options.map(|(name, value)| (name.to_owned(), value)),
        )
    }

    fn read(text: &str) -> Result<Request, String> {
        parse_rules(text, Path::new("/a/.nightscribe.toml"), &above(), false).map_err(|problems| {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            lines.join("\n")
        })
    }

    #[test]
    fn rules_override_the_parent_and_inherit_the_rest() {
        let own =
            read("model = '#g1_nova-2-meeting'\n[options]\nlanguage = 'de'\nnumerals = true\n");
        let own = own.unwrap();
        assert_eq!(own.model(), "#g1_nova-2-meeting");
        assert_eq!(
            own.options_json(),
            r#"{"diarize":true,"language":"de","numerals":true}"#
        );
        assert_eq!(read("").unwrap(), above());
    }

    #[test]
    fn invalid_rules_are_rejected_with_their_line() {
        assert_eq!(
            read("modell = 'x'\n[options]\ndiarise = true\n").unwrap_err(),
            "/a/.nightscribe.toml:1:1: folder rules: `modell`: no such key; did you mean `model`?\n\
             /a/.nightscribe.toml:3:1: folder rules: option `diarise` is not supported by the service; did you mean `diarize`?"
        );
        assert!(read("model = 'nova-4'").unwrap_err().contains("`model`"));
        assert!(read("model = 'nova-4'\nallow_unknown_model = true").is_ok());
        assert!(read("key = 'sk-5ecret'").is_err_and(|error| !error.contains("5ecret")));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let request = request_for_folder(Path::new("/nowhere/.nightscribe.toml"), &above(), false);
        assert!(
            request
                .unwrap_err()
                .starts_with("/nowhere/.nightscribe.toml: cannot be read: ")
        );
    }
}
