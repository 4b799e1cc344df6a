//! `nightscribe init`

use super::args::InitArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::printable_path;
use crate::config::system::{KEY_FILE, is_system_config};
use crate::config::template::{template_for, template_with_source};
use crate::domain::readable_path::readable_path;
use serde::Serialize;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// File that is written if none is named.
const DEFAULT_FILE: &str = "nightscribe.toml";

/// Writes the annotated configuration to the file of the arguments, to `config` (`--config`), or to the default file.
pub(super) fn init(args: &InitArgs, config: Option<&Path>) -> Result<Exit, CommandError> {
    let recordings = args.path.as_deref().filter(|path| path.is_dir());
    let named = args.path.as_deref().filter(|_| recordings.is_none());
    let file = match (named, config) {
        (Some(_), Some(_)) => {
            let message = "name the file to write once: as an argument or with --config";
            return Err(CommandError::new(Exit::Usage, message));
        }
        (Some(file), None) | (None, Some(file)) => file,
        (None, None) => Path::new(DEFAULT_FILE),
    };
    let absolute = std::path::absolute(file)?;
    let template = template_for(&absolute);
    let text = match recordings {
        Some(folder) => with_source(&template, folder)?,
        None => template,
    };
    write(file, &text, args.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if file.exists() => CommandError::new(
            Exit::Usage,
            format!(
                "`{}` already exists; --force overwrites it",
                printable_path(file)
            ),
        ),
        _ => CommandError::new(
            Exit::Usage,
            format!("cannot write `{}`: {error}", printable_path(file)),
        ),
    })?;
    let mut out = anstream::stdout().lock();
    if args.json {
        let result = InitResult {
            file: readable_path(file),
            has_source: recordings.is_some(),
        };
        writeln!(out, "{}", to_json_line(&result)?)?;
        return Ok(Exit::Done);
    }
    writeln!(out, "Wrote {}.", printable_path(file))?;
    let source = match recordings {
        Some(_) => "",
        None => "fill in a [[source]] at the end, ",
    };
    let key = match is_system_config(&absolute) {
        true => format!("write the API key to {KEY_FILE} (mode 600)"),
        false => "set AIMLAPI_KEY".to_owned(),
    };
    writeln!(out, "Next: {source}{key}, and run `nightscribe check`.")?;
    Ok(Exit::Done)
}

/// JSON form of the result. Fields may be added, but never removed or renamed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct InitResult {
    /// File that was written.
    file: String,
    /// Whether it has a source: that of the folder of recordings.
    has_source: bool,
}

/// Returns the annotated file `template` with a source for a folder of recordings.
fn with_source(template: &str, folder: &Path) -> Result<String, CommandError> {
    let folder = folder.canonicalize()?;
    let path = folder.to_str().ok_or_else(|| {
        let folder = printable_path(&folder);
        CommandError::new(
            Exit::Usage,
            format!("`{folder}` is not valid UTF-8; rename it"),
        )
    })?;
    Ok(template_with_source(template, &source_name(&folder), path))
}

/// Maximum length of the name of a source, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Returns the beginning of the folder's name, without characters that a source cannot have.
fn source_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let is_allowed = |char: char| char.is_alphanumeric() || "-_ ".contains(char);
    let mut short = String::new();
    for char in name.chars() {
        let char = if is_allowed(char) { char } else { '-' };
        if short.len() + char.len_utf8() > MAX_NAME_BYTES {
            break;
        }
        short.push(char);
    }
    match short.trim() {
        "" => "recordings".to_owned(),
        name => name.to_owned(),
    }
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new().recursive(true).create(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .create_new(!force)
        .truncate(force)
        .open(path)?;
    file.write_all(text.as_bytes())
}
