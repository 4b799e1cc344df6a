//! Execution of service manager commands.

use super::target::ServiceTarget;
use crate::cli::exit::{CommandError, Exit};
use crate::service_manager::steps::{Step, is_manager_running};
use std::process::{Command, Stdio};

/// Output of a command. Both streams are trimmed.
pub(super) struct CommandOutput {
    pub(super) succeeded: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a command and waits for it. Returns `None` if it cannot be started.
pub(super) fn run(step: &Step) -> Option<CommandOutput> {
    let (program, arguments) = step.0.split_first()?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(CommandOutput {
        succeeded: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Whether the service manager is running here. Always false with `--root`.
pub(super) fn is_running_here(target: &ServiceTarget) -> bool {
    target.root.is_none()
        && run(&target.commands().manager_state()).is_some_and(|output| {
            is_manager_running(target.manager, output.succeeded, &output.stdout)
        })
}

/// Runs commands in order and stops at the first failure.
pub(super) fn run_all(steps: &[Step]) -> Result<(), CommandError> {
    for step in steps {
        let error = match run(step) {
            Some(output) if output.succeeded => continue,
            Some(output) => output.stderr,
            None => "command not found".to_owned(),
        };
        return Err(CommandError::new(Exit::Usage, format!("`{step}`: {error}")));
    }
    Ok(())
}

/// Formats commands as a shell command line.
pub(super) fn command_line(steps: &[Step]) -> String {
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    steps.join(" && ")
}
