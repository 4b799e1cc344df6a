//! A program whose result is its exit status.

use super::process_group::ProcessGroup;
use super::streams::exit_status;
use crate::domain::one_line;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// A program with its arguments and environment.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Path, or a name to look up in `PATH`.
    pub program: PathBuf,
    /// Arguments, passed unchanged.
    pub arguments: Vec<OsString>,
    /// Names of environment variables to remove, because they hold secrets.
    pub withheld: Vec<String>,
}

/// Error of running a program, including an exit status other than 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ProgramError {
    /// Exit status, if the program exited.
    pub status: Option<i32>,
    /// Description of the error, one line.
    pub reason: String,
}

impl ProgramError {
    pub(super) fn without_status(reason: String) -> Self {
        Self {
            status: None,
            reason,
        }
    }
}

/// Runs a program with `input` on standard input and waits for it to exit. Without `input`, standard input is empty.
/// Standard output is discarded. After `timeout`, or if the future is dropped, the program's process group is killed.
///
/// # Errors
/// If the program cannot be started, times out, or does not exit with 0.
pub async fn run(
    call: &Invocation,
    input: Option<&[u8]>,
    timeout: Duration,
) -> Result<(), ProgramError> {
    let mut command = command(call);
    command
        .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        let program = call.program.display();
        ProgramError::without_status(one_line(&format!("cannot start `{program}`: {error}")))
    })?;
    let group = ProcessGroup::of(&child);
    let mut stderr = Vec::new();
    match tokio::time::timeout(timeout, exit_status(&mut child, input, &mut stderr)).await {
        Ok(Ok(status)) => {
            group.disarm();
            check(status, &stderr)
        }
        Ok(Err(error)) => Err(ProgramError::without_status(format!(
            "cannot wait for the program: {error}"
        ))),
        Err(_) => Err(ProgramError::without_status(format!(
            "timed out after {} and was killed",
            humantime::format_duration(timeout)
        ))),
    }
}

/// Runs a program in the foreground of the terminal, with its input and output, and waits for it to exit. It has no time limit,
/// as the user ends it. Ctrl-C concerns only the program from now on.
///
/// # Errors
/// If the program cannot be started, or does not exit with 0.
pub async fn run_attached(call: &Invocation) -> Result<(), ProgramError> {
    let mut command = Command::new(&call.program);
    command.args(&call.arguments);
    for name in &call.withheld {
        command.env_remove(name);
    }
    // A signal of the terminal also reaches this process. Its end would leave a pager without a terminal.
    let _ignored = signal(SignalKind::interrupt());
    let status = command.status().await;
    let status = status.map_err(|error| {
        ProgramError::without_status(one_line(&format!("cannot start it: {error}")))
    })?;
    check(status, b"")
}

/// Returns the command of a call, in a process group of its own. Standard error is read.
pub(super) fn command(call: &Invocation) -> Command {
    let mut command = Command::new(&call.program);
    command
        .args(&call.arguments)
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for name in &call.withheld {
        command.env_remove(name);
    }
    command
}

/// Converts an exit status to a result. The error contains the last line of standard error.
pub(super) fn check(status: ExitStatus, stderr: &[u8]) -> Result<(), ProgramError> {
    if status.success() {
        return Ok(());
    }
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "did not exit".to_owned(),
    };
    let stderr = String::from_utf8_lossy(stderr);
    let last = stderr.lines().rfind(|line| !line.trim().is_empty());
    let reason = last.map_or_else(|| end.clone(), |line| format!("{end}: {}", one_line(line)));
    Err(ProgramError {
        status: status.code(),
        reason,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns the call of a script, without `PATH`.
    pub(in crate::runtime::subprocess) fn sh(script: &str) -> Invocation {
        Invocation {
            program: "/bin/sh".into(),
            arguments: ["-c", script].map(OsString::from).into(),
            withheld: vec!["PATH".to_owned()],
        }
    }

    async fn fails(script: &str) -> (Option<i32>, String) {
        let error = run(&sh(script), None, Duration::from_secs(60)).await;
        let error = error.unwrap_err();
        (error.status, error.reason)
    }

    #[tokio::test]
    async fn a_program_receives_its_input() {
        let input = b"hello".as_slice();
        let script = "read line; test \"$line\" = hello";
        let result = run(&sh(script), Some(input), Duration::from_secs(60)).await;
        assert_eq!(result, Ok(()));
    }

    #[tokio::test]
    async fn unread_input_is_not_an_error() {
        let large = vec![b'x'; 1 << 20];
        let result = run(&sh("exit 0"), Some(&large), Duration::from_secs(60)).await;
        assert_eq!(result, Ok(()));
    }

    #[tokio::test]
    async fn an_error_has_the_status_and_the_last_line() {
        let error = fails("echo first >&2; printf 'no\\tdisk\\n\\n' >&2; exit 3").await;
        assert_eq!(error, (Some(3), "exit status 3: no disk".to_owned()));
        assert_eq!(fails("exit 4").await, (Some(4), "exit status 4".to_owned()));
        let killed = (None, "killed by signal 9".to_owned());
        assert_eq!(fails("kill -9 $$").await, killed);
    }

    #[tokio::test]
    async fn a_time_out_kills_the_program_and_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        // Two processes hold the pipe open for writing. Reading ends when both are killed.
        let script = format!("exec 3>'{}'; sleep 1000 & sleep 1000", pipe.display());
        let reading = tokio::task::spawn_blocking(move || std::fs::read(pipe).unwrap());
        let result = run(&sh(&script), None, Duration::from_millis(300)).await;
        let reason = result.unwrap_err().reason;
        assert_eq!(reason, "timed out after 300ms and was killed");
        assert_eq!(reading.await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_missing_program_is_reported() {
        let call = Invocation {
            program: "/nowhere/program".into(),
            arguments: Vec::new(),
            withheld: Vec::new(),
        };
        let error = run(&call, None, Duration::from_secs(60)).await.unwrap_err();
        assert!(
            error
                .reason
                .starts_with("cannot start `/nowhere/program`: ")
        );
        assert_eq!(error.status, None);
    }

    #[tokio::test]
    async fn withheld_variables_are_removed() {
        // PATH is set in every test environment.
        let script = "/usr/bin/env | /bin/grep -q ^PATH= && exit 1; exit 0";
        assert_eq!(
            run(&sh(script), None, Duration::from_secs(60)).await,
            Ok(())
        );
    }
}
