//! Commands to the service manager.

use super::target::Target;
use crate::cli::exit::{Exit, Report};
use crate::install::steps::{Step, is_running};
use std::process::{Command, Stdio};

/// What a command said.
pub(super) struct Said {
    pub(super) succeeded: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a command to its end; `None` if there is no such command here.
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

/// Whether there is a manager here that starts services.
pub(super) fn runs(target: &Target) -> bool {
    target.root.is_none()
        && ask(&target.talk().manager_runs())
            .is_some_and(|said| is_running(target.manager, said.succeeded, &said.stdout))
}

/// Runs commands one after the other, up to the first that fails.
pub(super) fn take(steps: &[Step]) -> Result<(), Report> {
    for step in steps {
        let refused = match ask(step) {
            Some(said) if said.succeeded => continue,
            Some(said) => said.stderr,
            None => "there is no such command".to_owned(),
        };
        return Err(Report::new(Exit::Usage, format!("`{step}`: {refused}")));
    }
    Ok(())
}

/// Commands as somebody would type them.
pub(super) fn typed(steps: &[Step]) -> String {
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    steps.join(" && ")
}
