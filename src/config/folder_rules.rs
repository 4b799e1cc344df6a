//! Rules file of a folder of recordings. Its `model`, `vocabulary` and `[options]` override those of the source or the parent
//! folder. So do the entries of its `[speakers]` and `[replace]`, which apply when transcripts are rendered.

use crate::config::diagnostics::Diagnostic;
use crate::config::document::{Table, parse};
use crate::config::render_rules::RuleTables;
use crate::config::section::Section;
use crate::config::small_file::read_text;
use crate::config::source::{check_options, read_model};
use crate::config::vocabulary::read_vocabulary;
use crate::config::{AllowUnknown, values};
use crate::domain::Request;
use crate::domain::rendering::RenderRules;
use crate::provider::add_vocabulary;
use crate::provider::options;
use std::collections::BTreeMap;
use std::path::Path;

/// Maximum size of a rules file, in bytes. Many times the size of a file with every option.
const MAX_BYTES: usize = 64 * 1024;
/// Label of the section in diagnostics.
const LABEL: &str = "folder rules";

/// Reads the rules file at `path` and merges it over `above`, the request of the parent folder. An option that the file
/// does not set is inherited, unless only the model of the parent folder takes it.
///
/// # Errors
/// If the file cannot be read or is invalid. The message lists every problem with its line.
pub fn request_for_folder(
    path: &Path,
    above: &Request,
    allow_unknown: AllowUnknown,
) -> Result<Request, String> {
    parse_rules(&read_rules(path)?, path, above, allow_unknown).map_err(|problems| join(&problems))
}

/// Reads the names and replacements of the rules file at `path`. Its other keys are not checked.
///
/// # Errors
/// If the file cannot be read, or its names or replacements are invalid.
pub fn render_rules_for_folder(path: &Path) -> Result<RenderRules, String> {
    let text = read_rules(path)?;
    let table = parse(&text, path).map_err(|problem| problem.to_string())?;
    let mut problems = Vec::new();
    let none = Table::default();
    let mut section = Section::new(LABEL, table, none, BTreeMap::new(), &mut problems);
    let rules = RuleTables {
        speakers: section.table("speakers"),
        replace: section.table("replace"),
    };
    let rules = rules.check(LABEL, &mut problems);
    if problems.is_empty() {
        Ok(rules)
    } else {
        Err(join(&problems))
    }
}

fn read_rules(path: &Path) -> Result<String, String> {
    read_text(path, MAX_BYTES).map_err(|error| {
        let file = path.display();
        format!("{file}: cannot be read: {error}")
    })
}

fn join(problems: &[Diagnostic]) -> String {
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}

fn parse_rules(
    text: &str,
    path: &Path,
    above: &Request,
    allow_unknown: AllowUnknown,
) -> Result<Request, Vec<Diagnostic>> {
    let table = parse(text, path).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let none = Table::default();
    let mut section = Section::new(LABEL, table, none, BTreeMap::new(), &mut problems);
    let (model, allow_unknown) = read_model(&mut section, allow_unknown);
    let folder = path.parent().unwrap_or(Path::new(""));
    let vocabulary = section.get("vocabulary", |value| {
        read_vocabulary(&folder.join(values::path(value)?))
    });
    let vocabulary_origin = section.origin("vocabulary");
    let options = section.table("options");
    let rules = RuleTables {
        speakers: section.table("speakers"),
        replace: section.table("replace"),
    };
    section.finish();
    rules.check(LABEL, &mut problems);
    let model = model.unwrap_or_else(|| above.model().to_owned());
    let mut own = check_options(&model, options, LABEL, allow_unknown, &mut problems);
    if let Some(terms) = vocabulary
        && let Err(error) = add_vocabulary(&model, &terms, &mut own)
    {
        problems.push(Diagnostic {
            origin: vocabulary_origin,
            message: format!("{LABEL}: `vocabulary`: {error}"),
        });
    }
    if !problems.is_empty() {
        problems.sort();
        return Err(problems);
    }
    let mut options = above.options().clone();
    options.retain(|name, _| {
        options::has_effect(&model, name) || !options::has_effect(above.model(), name)
    });
    options.extend(own);
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
        parse_rules(
            text,
            Path::new("/a/.nightscribe.toml"),
            &above(),
            AllowUnknown::default(),
        )
        .map_err(|problems| {
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
    fn options_of_another_family_are_not_inherited() {
        let own = read("model = 'aai/universal'\n[options]\nspeaker_labels = true\n").unwrap();
        assert_eq!(own.options_json(), r#"{"speaker_labels":true}"#);
    }

    #[test]
    fn a_vocabulary_replaces_that_of_the_parent() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("words.txt"), "Zuse\n").unwrap();
        let path = folder.path().join(".nightscribe.toml");
        let options = [("keywords".to_owned(), json!(["Ada"]))];
        let above = Request::new("#g1_nova-2-general", options);
        let read = |text: &str| parse_rules(text, &path, &above, AllowUnknown::default());
        let own = read("vocabulary = 'words.txt'").unwrap();
        assert_eq!(own.options_json(), r#"{"keywords":["Zuse"]}"#);
        let own = read("model = 'nova-3-general'\nvocabulary = 'words.txt'").unwrap();
        assert_eq!(own.options_json(), r#"{"keyterm":["Zuse"]}"#);
        let problem = read("vocabulary = 'none.txt'").unwrap_err()[0].to_string();
        assert!(
            problem.contains(":1:1: folder rules: `vocabulary`: `"),
            "{problem}"
        );
    }

    #[test]
    fn invalid_rules_are_rejected_with_their_line() {
        assert_eq!(
            read("modell = 'x'\n[options]\ndiarise = true\n").unwrap_err(),
            "/a/.nightscribe.toml:1:1: folder rules: `modell`: no such key; did you mean `model`?\n\
             /a/.nightscribe.toml:3:1: folder rules: option `diarise` is not supported by the service; did you mean `diarize`? (`allow_unknown_options = true` accepts newer ones)"
        );
        assert!(read("model = 'nova-4'").unwrap_err().contains("`model`"));
        assert!(read("model = 'nova-4'\nallow_unknown_model = true").is_ok());
        assert!(read("key = 'sk-5ecret'").is_err_and(|error| !error.contains("5ecret")));
    }

    #[test]
    fn names_and_replacements_are_checked() {
        let text = "[speakers]\n0 = 'Anna'\nB = 'Bo'\n[replace]\nKubernets = 'Kubernetes'\n'/\\bu+h\\b/' = ''\n";
        assert!(read(text).is_ok());
        assert_eq!(
            read("[speakers]\n0 = ''\n1 = 2\n[replace]\n'/(/' = 'x'\n").unwrap_err(),
            "/a/.nightscribe.toml:2:1: folder rules: [speakers] `0`: expected a name\n\
             /a/.nightscribe.toml:3:1: folder rules: [speakers] `1`: expected a string\n\
             /a/.nightscribe.toml:5:1: folder rules: [replace] `/(/` is not a valid pattern: unclosed group"
        );
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let request = request_for_folder(
            Path::new("/nowhere/.nightscribe.toml"),
            &above(),
            AllowUnknown::default(),
        );
        assert!(
            request
                .unwrap_err()
                .starts_with("/nowhere/.nightscribe.toml: cannot be read: ")
        );
    }
}
