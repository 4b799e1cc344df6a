//! Reading `[search]`.

use super::notify::resolve_program;
use super::section::Section;
use super::values::{ParseResult, command};
use crate::domain::placeholder::UnknownPlaceholder;
use crate::domain::player_argument::PlayerArgument;
use std::path::PathBuf;

/// Settings of the search in transcripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchConfig {
    /// Player of `search --open`.
    pub player: Player,
}

/// A player, run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Path, or a name to look up in `PATH`.
    pub path: PathBuf,
    /// Arguments. At least one has the recording.
    pub arguments: Vec<PlayerArgument>,
}

/// Reads `[search]`.
pub(super) fn read_search(
    mut section: Section<'_>,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<SearchConfig> {
    let player = section.get("player", |value| {
        let (program, arguments) = command(value)?;
        let arguments: Vec<PlayerArgument> = arguments
            .iter()
            .map(|text| {
                text.parse()
                    .map_err(|error: UnknownPlaceholder| error.to_string())
            })
            .collect::<ParseResult<_>>()?;
        if !arguments.iter().any(PlayerArgument::has_file) {
            return Err("expected `{file}` in an argument, as in [\"mpv\", \"{file}\"]".to_owned());
        }
        Ok(Player {
            path: resolve_program(&program, resolve)?,
            arguments,
        })
    });
    section.finish();
    Some(SearchConfig { player: player? })
}
