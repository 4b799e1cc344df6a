//! The standard streams of a program until its exit.

use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin};

/// Bytes kept from the end of standard error.
const STDERR_BYTES: usize = 2048;
/// Time limit of reading standard error after the program has exited. A child process may still hold it open.
const STDERR_GRACE: Duration = Duration::from_millis(200);

/// Feeds standard input, collects standard error, and waits for the exit status.
pub(super) async fn exit_status(
    child: &mut Child,
    input: Option<&[u8]>,
    stderr_tail: &mut Vec<u8>,
) -> std::io::Result<ExitStatus> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let io = async { tokio::join!(write_input(stdin, input), read_tail(stderr, stderr_tail)) };
    tokio::pin!(io);
    let status = tokio::select! {
        // If both are ready, everything was read, and the grace below is not needed.
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
