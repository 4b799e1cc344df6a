//! Reading the location of a secret.

use super::KeySource;
use super::section::Section;
use super::values::{ParseResult, path, variable_name};
use std::path::PathBuf;

/// Reads the location of a secret: a file if one is named, otherwise a variable. `secret_key` is the key that would
/// hold the secret, which is rejected.
pub(super) fn read_secret_source(
    section: &mut Section<'_>,
    [variable, file]: [&'static str; 2],
    secret_key: &'static str,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<KeySource> {
    let name = section.get(variable, variable_name);
    let path = section.get(file, |value| resolve(path(value)?));
    section.get(secret_key, |_| -> ParseResult<()> {
        Err(format!(
            "secrets are not allowed in the configuration; name an environment variable with `{variable}` or a file with `{file}`"
        ))
    });
    path.map(KeySource::File).or(name.map(KeySource::Env))
}
