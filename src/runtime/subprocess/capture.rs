//! A program whose output is read, within bounds.

use super::process_group::{Bounds, ProcessGroup};
use super::run::{Invocation, ProgramError, check, command};
use super::streams::exit_status;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;

/// Output of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// End of standard error.
    pub stderr: String,
}

/// Error of reading the output of a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The program cannot be started. It says nothing about its input.
    #[error("cannot start `{}`: {reason}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The program took too long and was killed.
    #[error("timed out after {} and was killed", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// The program wrote too much and was killed.
    #[error("wrote more than {0} bytes and was killed")]
    TooMuchOutput(usize),
    /// The program did not exit with 0.
    #[error(transparent)]
    Failed(ProgramError),
}

/// Runs a program without input at low priority, and returns its output. If a bound is exceeded, or the future is dropped,
/// the program's process group is killed.
///
/// # Errors
/// If the program cannot be started, exceeds a bound, or does not exit with 0.
pub async fn capture(call: &Invocation, bounds: &Bounds) -> Result<Captured, CaptureError> {
    let mut command = command(call);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| CaptureError::NotStarted {
        program: call.program.clone(),
        reason: error.to_string(),
    })?;
    let group = ProcessGroup::of(&child);
    group.confine(bounds);
    let (stdout, mut stderr) = (child.stdout.take(), Vec::new());
    let running = async {
        tokio::try_join!(read_bounded(stdout, bounds.output_bytes), async {
            Ok(exit_status(&mut child, None, &mut stderr).await)
        })
    };
    let ended = tokio::time::timeout(bounds.time, running).await;
    let (stdout, status) = ended.map_err(|_| CaptureError::TimedOut(bounds.time))??;
    group.disarm();
    let status = status.map_err(|error| {
        let reason = format!("cannot wait for the program: {error}");
        CaptureError::Failed(ProgramError::without_status(reason))
    })?;
    check(status, &stderr).map_err(CaptureError::Failed)?;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    Ok(Captured { stdout, stderr })
}

/// Reads standard output to its end.
async fn read_bounded(
    stdout: Option<ChildStdout>,
    max_bytes: usize,
) -> Result<Vec<u8>, CaptureError> {
    let mut bytes = Vec::new();
    if let Some(stdout) = stdout {
        // What cannot be read is missing, and the caller parses the output strictly.
        let _read = stdout
            .take(max_bytes as u64 + 1)
            .read_to_end(&mut bytes)
            .await;
    }
    match bytes.len() > max_bytes {
        true => Err(CaptureError::TooMuchOutput(max_bytes)),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::sh;
    use super::*;

    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(60),
        output_bytes: 1000,
        memory_bytes: 1 << 30,
        file_bytes: 1000,
    };

    #[tokio::test]
    async fn the_output_is_captured() {
        let captured = capture(&sh("echo out; echo err >&2"), &BOUNDS).await;
        let expected = Captured {
            stdout: b"out\n".to_vec(),
            stderr: "err\n".to_owned(),
        };
        assert_eq!(captured, Ok(expected));
    }

    #[tokio::test]
    async fn a_program_that_exceeds_a_bound_is_killed() {
        let endless = "while :; do echo more; done";
        let result = capture(&sh(endless), &BOUNDS).await;
        assert_eq!(result, Err(CaptureError::TooMuchOutput(1000)));
        let time = Duration::from_millis(200);
        let result = capture(&sh("sleep 1000"), &Bounds { time, ..BOUNDS }).await;
        assert_eq!(result, Err(CaptureError::TimedOut(time)));
        let result = capture(&sh("echo no >&2; exit 3"), &BOUNDS).await;
        let Err(CaptureError::Failed(error)) = result else {
            panic!("{result:?}");
        };
        assert_eq!(error.reason, "exit status 3: no");
    }

    #[tokio::test]
    async fn a_captured_program_runs_at_low_priority_and_with_limits() {
        // The limits apply shortly after the start.
        let script = "while [ \"$(nice)\" != 10 ] || [ \"$(ulimit -v)\" = unlimited ]; do :; done; ulimit -v";
        let call = Invocation {
            withheld: Vec::new(),
            ..sh(script)
        };
        let captured = capture(&call, &BOUNDS).await.unwrap();
        assert_eq!(captured.stdout, b"1048576\n");
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_program_that_writes_too_much_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let script = format!(
            "while [ \"$(nice)\" != 10 ]; do :; done; sleep 0.1; while :; do echo more; done > '{}'",
            path.display()
        );
        let call = Invocation {
            withheld: Vec::new(),
            ..sh(&script)
        };
        capture(&call, &BOUNDS).await.unwrap_err();
        assert_eq!(std::fs::metadata(path).unwrap().len(), 1000);
    }
}
