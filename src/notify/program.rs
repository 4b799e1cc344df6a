//! A program, run without a shell and ended in time, with all that it has started.

use crate::api::failures::clean;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};

/// Bytes of what a program says on standard error that are kept: the last.
const SAID: usize = 2048;
/// How long is waited for the end of standard error after the program's own: something it started may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What is run.
#[derive(Debug, Clone)]
pub struct Call {
    /// A path, or a name that is looked for in `PATH`.
    pub program: PathBuf,
    /// Its arguments, as they are.
    pub arguments: Vec<OsString>,
    /// Environment variables that it is not given, because a secret is in them.
    pub withheld: Vec<String>,
}

/// It did not end with exit status 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotRun {
    /// Its exit status, if it exited.
    pub status: Option<i32>,
    /// What happened, in one line.
    pub reason: String,
}

impl NotRun {
    fn without_status(reason: String) -> Self {
        Self {
            status: None,
            reason,
        }
    }
}

/// Runs the program with `input` on standard input (else there is none) and waits for its end. After `within`, or if the
/// caller gives up, it is killed with its process group. What it says on standard output is not read by anybody.
///
/// # Errors
/// If it cannot be started, takes too long, or does not exit with 0.
pub async fn run(call: &Call, input: Option<&[u8]>, within: Duration) -> Result<(), NotRun> {
    let mut command = Command::new(&call.program);
    command
        .args(&call.arguments)
        .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for name in &call.withheld {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| {
        let program = call.program.display();
        NotRun::without_status(clean(&format!("`{program}` cannot be started: {error}")))
    })?;
    let group = Group::of(&child);
    let mut said = Vec::new();
    match tokio::time::timeout(within, ended(&mut child, input, &mut said)).await {
        Ok(Ok(status)) => {
            group.let_go();
            judge(status, &said)
        }
        Ok(Err(error)) => Err(NotRun::without_status(format!(
            "its end was missed: {error}"
        ))),
        Err(_) => Err(NotRun::without_status(format!(
            "it took longer than {} and was killed",
            humantime::format_duration(within)
        ))),
    }
}

async fn ended(
    child: &mut Child,
    input: Option<&[u8]>,
    said: &mut Vec<u8>,
) -> std::io::Result<ExitStatus> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let talk = async { tokio::join!(hand_over(stdin, input), listen(stderr, said)) };
    tokio::pin!(talk);
    let status = tokio::select! {
        biased;
        _ = &mut talk => None,
        status = child.wait() => Some(status),
    };
    match status {
        Some(status) => {
            let _all_said = tokio::time::timeout(LAST_WORDS, talk).await;
            status
        }
        None => child.wait().await,
    }
}

/// A program need not read what it is given.
async fn hand_over(stdin: Option<ChildStdin>, input: Option<&[u8]>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        let _taken = stdin.write_all(input).await;
        let _closed = stdin.shutdown().await;
    }
}

/// Keeps the last of what it says, and reads all of it, so that it is never kept waiting.
async fn listen(stderr: Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else { return };
    while let Ok(1..) = stderr.read_buf(said).await {
        let surplus = said.len().saturating_sub(SAID);
        said.drain(..surplus);
    }
}

fn judge(status: ExitStatus, said: &[u8]) -> Result<(), NotRun> {
    if status.success() {
        return Ok(());
    }
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "it did not exit".to_owned(),
    };
    let said = String::from_utf8_lossy(said);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let reason = last.map_or_else(|| end.clone(), |line| format!("{end}: {}", clean(line)));
    Err(NotRun {
        status: status.code(),
        reason,
    })
}

/// The process group of a child, which is killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// It has exited: what it left running on purpose goes on.
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already is as good.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The file that would be run for `program`, if there is one, with the search path `path`.
#[must_use]
pub fn find(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
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

    fn sh(script: &str) -> Call {
        Call {
            program: "/bin/sh".into(),
            arguments: ["-c", script].map(OsString::from).into(),
            withheld: vec!["PATH".to_owned()],
        }
    }

    async fn fails(script: &str) -> (Option<i32>, String) {
        let not_run = run(&sh(script), None, Duration::from_secs(60)).await;
        let not_run = not_run.unwrap_err();
        (not_run.status, not_run.reason)
    }

    #[tokio::test]
    async fn a_program_gets_its_input_and_ends() {
        let input = b"hello".as_slice();
        let script = "read line; test \"$line\" = hello";
        let ran = run(&sh(script), Some(input), Duration::from_secs(60)).await;
        assert_eq!(ran, Ok(()));
    }

    #[tokio::test]
    async fn a_program_that_reads_nothing_is_no_failure() {
        let large = vec![b'x'; 1 << 20];
        let ran = run(&sh("exit 0"), Some(&large), Duration::from_secs(60)).await;
        assert_eq!(ran, Ok(()));
    }

    #[tokio::test]
    async fn a_failure_says_the_status_and_the_last_line() {
        let said = fails("echo first >&2; printf 'no\\tdisk\\n\\n' >&2; exit 3").await;
        assert_eq!(said, (Some(3), "exit status 3: no disk".to_owned()));
        assert_eq!(fails("exit 4").await, (Some(4), "exit status 4".to_owned()));
        let killed = (None, "killed by signal 9".to_owned());
        assert_eq!(fails("kill -9 $$").await, killed);
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed_with_what_it_started() {
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
        // Two processes hold the pipe for writing until they are killed, which is the end of the reading.
        let script = format!("exec 3>'{}'; sleep 1000 & sleep 1000", pipe.display());
        let reading = tokio::task::spawn_blocking(move || std::fs::read(pipe).unwrap());
        let ran = run(&sh(&script), None, Duration::from_millis(300)).await;
        let reason = ran.unwrap_err().reason;
        assert_eq!(reason, "it took longer than 300ms and was killed");
        assert_eq!(reading.await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_said() {
        let call = Call {
            program: "/nowhere/program".into(),
            arguments: Vec::new(),
            withheld: Vec::new(),
        };
        let not_run = run(&call, None, Duration::from_secs(60)).await.unwrap_err();
        assert!(
            not_run
                .reason
                .starts_with("`/nowhere/program` cannot be started: ")
        );
        assert_eq!(not_run.status, None);
    }

    #[tokio::test]
    async fn a_secret_in_the_environment_is_withheld() {
        // PATH is the one variable that every test has.
        let script = "/usr/bin/env | /bin/grep -q ^PATH= && exit 1; exit 0";
        assert_eq!(
            run(&sh(script), None, Duration::from_secs(60)).await,
            Ok(())
        );
    }

    #[test]
    fn a_program_is_found_by_path_or_by_name() {
        let path = OsStr::new("/nowhere:/bin");
        assert_eq!(find(Path::new("sh"), Some(path)), Some("/bin/sh".into()));
        assert_eq!(find(Path::new("/bin/sh"), None), Some("/bin/sh".into()));
        assert_eq!(find(Path::new("/etc/passwd"), None), None, "no program");
        assert_eq!(find(Path::new("no-such-program"), Some(path)), None);
    }
}
