//! Reading `[media]`: programs that are used if they are installed.

use super::environment::Environment;
use super::section::Section;
use super::values::{ParseResult, path};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Programs that read recordings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// ffprobe, which reads the lengths that nightscribe cannot read itself.
    pub ffprobe: OptionalProgram,
    /// ffmpeg, which copies the sound track of a video for the upload.
    pub ffmpeg: OptionalProgram,
}

/// A program that is used if it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionalProgram {
    /// `"never"`: it is not used.
    Never,
    /// `"auto"`, and it was not in `PATH` when the configuration was read.
    NotFound,
    /// The configured path, or the one that was found in `PATH`.
    At(PathBuf),
}

/// Reads `[media]`.
pub(super) fn read_media(
    mut section: Section<'_>,
    environment: &Environment,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<MediaConfig> {
    let mut program = |name| {
        section.get(name, |value| {
            optional_program(name, value, environment, resolve)
        })
    };
    let (ffprobe, ffmpeg) = (program("ffprobe"), program("ffmpeg"));
    section.finish();
    Some(MediaConfig {
        ffprobe: ffprobe?,
        ffmpeg: ffmpeg?,
    })
}

/// Parses `"auto"`, `"never"` or a path. A bare name is not a path, as it could be a misspelt word.
fn optional_program(
    name: &str,
    value: &Value,
    environment: &Environment,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> ParseResult<OptionalProgram> {
    match value.as_str() {
        Some("never") => Ok(OptionalProgram::Never),
        Some("auto") => {
            let found = environment.find_program(Path::new(name));
            Ok(found.map_or(OptionalProgram::NotFound, OptionalProgram::At))
        }
        Some(text) if text.contains('/') || text.starts_with('~') => {
            Ok(OptionalProgram::At(resolve(path(value)?)?))
        }
        _ => Err(format!(
            "expected \"auto\", \"never\" or the path of {name}, found {value}"
        )),
    }
}
