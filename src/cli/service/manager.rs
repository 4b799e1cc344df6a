//! Execution of service manager commands.

use super::target::Target;
use crate::cli::exit::{Exit, Report};
use crate::install::steps::{Step, is_running};
use std::process::{Command, Stdio};

/// Output of a command. Both streams are trimmed.
pub(super) struct Said {
    pub(super) succeeded: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a command and waits for it. Returns `None` if it cannot be started.
pub(super) fn ask(step: &Step) -> Option<Said> {
    let (program, arguments) = step.0.split_first()?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(Said {
        succeeded: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Whether the service manager is running here. Always false with `--root`.
pub(super) fn runs(target: &Target) -> bool {
    target.root.is_none()
        && ask(&target.talk().manager_runs())
            .is_some_and(|output| is_running(target.manager, output.succeeded, &output.stdout))
}

/// Runs commands in order and stops at the first failure.
pub(super) fn take(steps: &[Step]) -> Result<(), Report> {
    for step in steps {
        let error = match ask(step) {
            Some(output) if output.succeeded => continue,
            Some(output) => output.stderr,
            None => "command not found".to_owned(),
        };
        return Err(Report::new(Exit::Usage, format!("`{step}`: {error}")));
    }
    Ok(())
}

/// Formats commands as a shell command line.
pub(super) fn typed(steps: &[Step]) -> String {
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    steps.join(" && ")
}
