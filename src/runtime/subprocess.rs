//! Running a program without a shell. On a time-out the program is killed together with its child processes.

use crate::domain::one_line;
use rustix::process::{Pid, Signal, kill_process_group, setpriority_process};
use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};

/// Niceness of a program whose output is read. Other work comes first, and a busy machine does not starve it.
const LOW_PRIORITY: i32 = 10;
/// Bytes kept from the end of standard error.
const STDERR_BYTES: usize = 2048;
/// Time limit of reading standard error after the program has exited. A child process may still hold it open.
const STDERR_GRACE: Duration = Duration::from_millis(200);

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

/// Bounds on a program whose output is read.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Time limit. It is also the limit of the time on a processor, where the system can set one.
    pub time: Duration,
    /// Maximum size of the output, in bytes.
    pub output_bytes: usize,
    /// Maximum size of the memory, in bytes, where the system can limit it.
    pub memory_bytes: u64,
    /// Maximum size of a file that it writes, in bytes, where the system can limit it. A larger file kills it.
    pub file_bytes: u64,
}

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

impl ProgramError {
    fn without_status(reason: String) -> Self {
        Self {
            status: None,
            reason,
        }
    }
}

/// Returns the command of a call, in a process group of its own. Standard error is read.
fn command(call: &Invocation) -> Command {
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

/// Feeds standard input, collects standard error, and waits for the exit status.
async fn exit_status(
    child: &mut Child,
    input: Option<&[u8]>,
    stderr_tail: &mut Vec<u8>,
) -> std::io::Result<ExitStatus> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let io = async { tokio::join!(write_input(stdin, input), read_tail(stderr, stderr_tail)) };
    tokio::pin!(io);
    let status = tokio::select! {
        biased;
        _ = &mut io => None,
        status = child.wait() => Some(status),
    };
    match status {
        Some(status) => {
            let _complete = tokio::time::timeout(STDERR_GRACE, io).await;
            status
        }
        None => child.wait().await,
    }
}

/// Writes `input` to standard input. Errors are ignored, because a program may exit without reading it.
async fn write_input(stdin: Option<ChildStdin>, input: Option<&[u8]>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        let _written = stdin.write_all(input).await;
        let _closed = stdin.shutdown().await;
    }
}

/// Reads standard error to its end, so that the program never blocks on it. Keeps the last [`STDERR_BYTES`].
async fn read_tail(stderr: Option<ChildStderr>, tail: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else { return };
    while let Ok(1..) = stderr.read_buf(tail).await {
        let surplus = tail.len().saturating_sub(STDERR_BYTES);
        tail.drain(..surplus);
    }
}

/// Converts an exit status to a result. The error contains the last line of standard error.
fn check(status: ExitStatus, stderr: &[u8]) -> Result<(), ProgramError> {
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

/// Process group of a child. Killed on drop.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Lowers the priority of the program, and limits what it uses. A system that cannot do so only has the time limit.
    fn confine(&self, bounds: &Bounds) {
        // Without a process ID, the calls would apply to this process.
        let Some(program) = self.0 else { return };
        let _lowered = setpriority_process(Some(program), LOW_PRIORITY);
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Resource, Rlimit, prlimit};
            let limits = [
                (Resource::As, bounds.memory_bytes),
                (Resource::Cpu, bounds.time.as_secs().max(1)),
                (Resource::Core, 0),
                (Resource::Fsize, bounds.file_bytes),
            ];
            for (resource, most) in limits {
                let limit = Rlimit {
                    current: Some(most),
                    maximum: Some(most),
                };
                let _limited = prlimit(Some(program), resource, limit);
            }
        }
    }

    /// Drops the guard without killing the group. Processes that the program left in the background keep running.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails if the group no longer exists, which is fine.
            let _killed = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Returns the executable file for `program`, if it exists. A bare name is looked up in `path`, the value of `PATH`.
#[must_use]
pub fn find_executable(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| {
        file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
    };
    if program.components().count() > 1 || program.is_absolute() {
        return Some(program.to_owned()).filter(is_program);
    }
    std::env::split_paths(path?)
        .map(|folder| folder.join(program))
        .find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Invocation {
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

    #[test]
    fn a_program_is_found_by_path_or_by_name() {
        let path = OsStr::new("/nowhere:/bin");
        assert_eq!(
            find_executable(Path::new("sh"), Some(path)),
            Some("/bin/sh".into())
        );
        assert_eq!(
            find_executable(Path::new("/bin/sh"), None),
            Some("/bin/sh".into())
        );
        assert_eq!(
            find_executable(Path::new("/etc/passwd"), None),
            None,
            "not executable"
        );
        assert_eq!(
            find_executable(Path::new("no-such-program"), Some(path)),
            None
        );
    }
}
