//! Merging of the layers, and every diagnostic.

mod documents;
mod formats;
mod invalid;
mod layers;
mod template;

use crate::config::Config;
use crate::config::diagnostics::Diagnostic;
use crate::config::environment::Environment;
use crate::config::load::join_lines;
use crate::config::merge::build;
use std::path::PathBuf;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    Environment {
        variables,
        working_dir: PathBuf::from("/work-folder"),
    }
}

fn built(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<Diagnostic>> {
    build(
        Some(PathBuf::from("/etc/n.toml")),
        text,
        &environment(variables),
    )
}

fn errors_of(text: &str) -> String {
    join_lines(&built(text, &[]).unwrap_err())
}

const SOURCE: &str = "[[source]]\nname = 'a'\npath = 'rec'\n";
