//! Check of the programs of the ffmpeg project that are used if they are installed.

use super::check_result::{CheckResult, CheckStatus, path_text};
use crate::config::{Config, OptionalProgram};
use crate::media::ffprobe::{Ffprobe, KINDS};
use crate::media::sound_track::Ffmpeg;
use crate::runtime::subprocess::CaptureError;

/// A program and what it is used for.
struct Tool<'a> {
    /// Its name, which is also its key in `[media]`.
    name: &'static str,
    program: &'a OptionalProgram,
    /// Its purpose, as a verb phrase after its name.
    does: String,
    /// Consequence if it is not used.
    without: String,
    /// Reason to install it.
    reason: &'static str,
}

/// Checks whether ffprobe and ffmpeg work, and says what they are needed for.
pub(super) async fn check(config: &Config) -> [CheckResult; 2] {
    let ffprobe = Tool {
        name: "ffprobe",
        program: &config.media.ffprobe,
        does: format!("tells the lengths of {KINDS}"),
        without: format!("the lengths of {KINDS} stay unknown, and the budget is charged by size"),
        reason: "if you have such recordings",
    };
    let ffmpeg = Tool {
        name: "ffmpeg",
        program: &config.media.ffmpeg,
        does: "copies the sound of videos, so that only the sound is sent".to_owned(),
        without: "videos are sent whole".to_owned(),
        reason: "to send only their sound",
    };
    let withheld = || config.secret_variables();
    [
        ffprobe
            .check(async |program| {
                let ffprobe = Ffprobe::new(program, withheld()).await?;
                Ok(ffprobe.version().to_owned())
            })
            .await,
        ffmpeg
            .check(async |program| {
                let ffmpeg = Ffmpeg::new(program, withheld()).await?;
                Ok(ffmpeg.version().to_owned())
            })
            .await,
    ]
}

impl Tool<'_> {
    /// Checks the program. `version` asks it for its version.
    async fn check(
        &self,
        version: impl AsyncFn(&std::path::Path) -> Result<String, CaptureError>,
    ) -> CheckResult {
        let Self {
            name,
            does,
            without,
            reason,
            ..
        } = self;
        let (status, message) = match self.program {
            OptionalProgram::Never => (
                CheckStatus::Passed,
                format!("{name} is not used (media.{name} = \"never\"): {without}"),
            ),
            OptionalProgram::NotFound => (
                CheckStatus::Passed,
                format!("{name} is not in $PATH: {without}; install ffmpeg {reason}"),
            ),
            OptionalProgram::At(program) => match version(program).await {
                Ok(version) => (
                    CheckStatus::Passed,
                    format!("{name} {version} ({}) {does}", path_text(program)),
                ),
                Err(error) => (
                    CheckStatus::Warning,
                    format!(
                        "{} does not work as {name}: {error}: {without}; correct media.{name}",
                        path_text(program)
                    ),
                ),
            },
        };
        CheckResult::new(status, "media", message)
    }
}
