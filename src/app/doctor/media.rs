//! Check of ffprobe, which tells lengths that nightscribe cannot read itself.

use super::check_result::{CheckResult, CheckStatus, path_text};
use crate::config::{Config, OptionalProgram};
use crate::media::ffprobe::{Ffprobe, KINDS};

/// Checks whether ffprobe works, and says what it is needed for.
pub(super) async fn check(config: &Config) -> CheckResult {
    let unknown = format!("the lengths of {KINDS} stay unknown, and the budget is charged by size");
    let (status, message) = match &config.media.ffprobe {
        OptionalProgram::Never => (
            CheckStatus::Passed,
            format!("ffprobe is not used (media.ffprobe = \"never\"): {unknown}"),
        ),
        OptionalProgram::NotFound => (
            CheckStatus::Passed,
            format!(
                "ffprobe is not in $PATH: {unknown}; install ffmpeg if you have such recordings"
            ),
        ),
        OptionalProgram::At(program) => {
            match Ffprobe::new(program, config.secret_variables()).await {
                Ok(ffprobe) => (
                    CheckStatus::Passed,
                    format!(
                        "ffprobe {} ({}) tells the lengths of {KINDS}",
                        ffprobe.version(),
                        path_text(program)
                    ),
                ),
                Err(error) => (
                    CheckStatus::Warning,
                    format!(
                        "{} does not work as ffprobe: {error}: {unknown}; correct media.ffprobe",
                        path_text(program)
                    ),
                ),
            }
        }
    };
    CheckResult::new(status, "media", message)
}
