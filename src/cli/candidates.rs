//! Completion candidates that depend on the program or the configuration.

use crate::config::{self, Environment};
use crate::domain::format::Format;
use crate::domain::{ErrorClass, JobState};
use crate::provider::models::MODELS;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use std::ffi::OsString;
use std::path::PathBuf;

/// Environment variable with which the completion script requests candidates.
pub(super) const VARIABLE: &str = "NIGHTSCRIBE_COMPLETE";

/// Completes names of configured sources.
pub(super) fn sources() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let names = source_names(std::env::args_os().collect());
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Completes item states.
pub(super) fn states() -> ArgValueCandidates {
    words(|| JobState::ALL.map(JobState::as_str).to_vec())
}

/// Completes error classes.
pub(super) fn errors() -> ArgValueCandidates {
    words(|| ErrorClass::ALL.map(ErrorClass::as_str).to_vec())
}

/// Completes models.
pub(super) fn models() -> ArgValueCandidates {
    words(|| MODELS.iter().map(|model| model.name).collect())
}

/// Completes output formats.
pub(super) fn formats() -> ArgValueCandidates {
    words(|| {
        let formats = Format::ALL.map(Format::as_str);
        formats.into_iter().chain(["all"]).collect()
    })
}

fn words(words: fn() -> Vec<&'static str>) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let words = words().into_iter();
        words.map(CompletionCandidate::new).collect::<Vec<_>>()
    })
}

/// Returns the configured source names. Returns none for an invalid configuration, since completion cannot show errors.
fn source_names(words: Vec<OsString>) -> Vec<String> {
    let Ok(environment) = Environment::from_process() else {
        return Vec::new();
    };
    // The shell has not replaced a `~` yet.
    let named =
        named_config(&words).map(|path| environment.resolve(&environment.working_dir, &path));
    let Ok(named) = named.transpose() else {
        return Vec::new();
    };
    let config = config::load(named.as_deref(), &environment);
    let sources = config.map(|config| config.sources).unwrap_or_default();
    sources.into_iter().map(|source| source.name).collect()
}

/// Returns the value of `--config` on the incomplete command line.
fn named_config(words: &[OsString]) -> Option<PathBuf> {
    let after = words
        .iter()
        .zip(words.iter().skip(1))
        .rfind(|(word, _)| *word == "--config");
    let joined = || {
        words
            .iter()
            .rev()
            .find_map(|word| word.to_str()?.strip_prefix("--config="))
    };
    after
        .map(|(_, path)| PathBuf::from(path))
        .or_else(|| joined().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_config_option_is_found_in_both_spellings() {
        let named = |line: &str| {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            named_config(&words)
        };
        assert_eq!(
            named("nightscribe --config a.toml list").as_deref(),
            Some(Path::new("a.toml"))
        );
        assert_eq!(
            named("nightscribe list --config=b.toml --source").as_deref(),
            Some(Path::new("b.toml"))
        );
        assert_eq!(named("nightscribe list --source"), None);
    }
}
