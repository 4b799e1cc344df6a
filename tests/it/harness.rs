//! Test environment: a temporary folder with recordings and a configuration, a sandbox service and the real binary.

use crate::schema_check;
use nightscribe::domain::{RecordingHash, RecordingIdentity};
use nightscribe_sandbox::{Sandbox, Settings};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// API key of every environment.
pub const KEY: &str = "sk-test-key";

/// Base configuration. Its waits are short to keep the tests fast.
const BASE_CONFIG: &str = "
[limits]
submits_per_minute = 60000
polls_per_minute = 60000
[polling]
interval = '20ms'
max_interval = '50ms'
[retry]
max_attempts = 5
backoff = '10ms'
max_backoff = '400ms'
[output]
formats = ['txt', 'json', 'srt', 'vtt']
[schedule]
scan_every = '100ms'
";

const SOURCE: &str = "
[[source]]
name = 'talks'
path = 'recordings'
settle = '0s'
";

/// A temporary folder, its sandbox and the means to run commands in it.
pub struct TestEnv {
    dir: TempDir,
    sandbox: Option<Sandbox>,
    runtime: Runtime,
}

/// A running command. Dropping it kills the process.
pub struct RunningCommand(Child);

impl RunningCommand {
    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends the signal `name`, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(&self.0, name);
    }

    /// Waits for the process to exit. Returns the exit code, or -1 if a signal killed it.
    pub fn wait(&mut self) -> i32 {
        self.0.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let _already_exited = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Exit code and output of a finished command.
pub struct CommandResult {
    /// Exit code, or -1 if a signal killed the process.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Returns the hashes of a recording whose sound is unknown.
pub fn hash_of(sha256: impl Into<String>) -> RecordingHash {
    RecordingHash {
        sha256: sha256.into(),
        sound: None,
    }
}

/// Returns the identity of a recording whose sound is unknown.
pub fn identity_of(sha256: impl Into<String>) -> RecordingIdentity {
    RecordingIdentity {
        hash: Some(hash_of(sha256)),
        sound_key: None,
    }
}

/// Returns the default settings of the sandbox: no delay, no faults.
pub fn settings() -> Settings {
    Settings {
        delay: Duration::ZERO,
        key: Some(KEY.to_owned()),
        seed: 7,
        ..Settings::default()
    }
}

impl TestEnv {
    /// Creates an environment without recordings.
    pub fn new(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sandbox = runtime.block_on(Sandbox::start(settings)).unwrap();
        let env = Self {
            dir: tempfile::tempdir().unwrap(),
            sandbox: Some(sandbox),
            runtime,
        };
        fs::create_dir(env.path("recordings")).unwrap();
        env.configure("");
        env
    }

    /// Creates an environment with `count` different recordings: `0.wav`, `1.wav` and so on.
    pub fn with_recordings(settings: Settings, count: u32) -> Self {
        let env = Self::new(settings);
        (0..count).for_each(|number| env.add_recording(format!("{number}.wav"), number));
        env
    }

    /// Returns the path of `name` in the folder of the environment.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns the running sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    /// Stops the sandbox. Later connections to its address are refused.
    pub fn stop_sandbox(&mut self) {
        let sandbox = self.sandbox.take().unwrap();
        self.runtime.block_on(sandbox.stop());
    }

    /// Writes the configuration with `extra` after the base configuration and before the source.
    ///
    /// `extra` can add keys to `[schedule]`, the last section of the base configuration, or add sections.
    pub fn configure(&self, extra: &str) {
        self.configure_with(extra, SOURCE);
    }

    /// Writes the configuration with `extra` as in [`Self::configure`] and `source` instead of the default source.
    pub fn configure_with(&self, extra: &str, source: &str) {
        let base_url = self.sandbox().base_url();
        let api = format!("[api]\nbase_url = '{base_url}'\n");
        fs::write(
            self.path("nightscribe.toml"),
            format!("{api}{BASE_CONFIG}{extra}{source}"),
        )
        .unwrap();
    }

    /// Writes a recording of one second below `recordings`. Its samples are derived from `seed`.
    pub fn add_recording(&self, name: impl AsRef<Path>, seed: u32) {
        let path = self.path("recordings").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wav(seed, 8_000)).unwrap();
    }

    /// Returns a command of the binary, in the folder of the environment and with the key as its only variable.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightscribe"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("AIMLAPI_KEY", KEY)
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary with `args` until it exits.
    pub fn run(&self, args: &[&str]) -> CommandResult {
        run_command(&mut self.command(args))
    }

    /// Runs `run --once` and asserts its exit code.
    pub fn run_once(&self, code: i32) -> CommandResult {
        let result = self.run(&["run", "--once"]);
        assert_eq!(result.code, code, "{}", result.stderr);
        result
    }

    /// Starts the binary with `args` and discards its output.
    pub fn start(&self, args: &[&str]) -> RunningCommand {
        let child = self
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        RunningCommand(child)
    }

    /// Starts a command and writes its log to the file `log` of the environment.
    pub fn start_logged(&self, command: &mut Command, log: &str) -> RunningCommand {
        let log = fs::File::create(self.path(log)).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        RunningCommand(child)
    }

    /// Returns the lines written to the file `log` so far.
    pub fn log_lines(&self, log: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path(log)).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    /// Returns the output of `status --json`.
    pub fn status(&self) -> Value {
        let status = self.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{}", status.stderr);
        serde_json::from_str(&status.stdout).unwrap()
    }

    /// Returns the number of items in `state`.
    pub fn count(&self, state: &str) -> u64 {
        self.status()["counts"][state].as_u64().unwrap()
    }

    /// Returns the items of `list --json`, oldest first.
    pub fn items(&self) -> Vec<Value> {
        let list = self.run(&["list", "--json"]).stdout;
        let mut items: Vec<Value> = list
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        items.reverse();
        items
    }

    /// Returns the newest item of the recording at the relative path `name`.
    pub fn item(&self, name: &str) -> Value {
        self.items()
            .into_iter()
            .rfind(|item| item["relative"] == name)
            .unwrap()
    }

    /// Reads a file from the output folder of the default source.
    pub fn transcript(&self, name: &str) -> String {
        let path = self.path("transcripts/talks").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the relative paths of all files below `folder`, sorted.
    pub fn file_names(&self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        for entry in walkdir::WalkDir::new(self.path(folder)) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(self.path(folder)).unwrap();
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort();
        names
    }

    /// Waits until `condition` holds.
    ///
    /// # Panics
    ///
    /// If it does not hold after 3,000 checks, 10 ms apart.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..3000 {
            if condition(self) {
                return;
            }
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("timed out waiting for: {what}");
    }
}

/// Runs a command until it exits. Asserts that JSON on its standard output has the form of its schema.
pub fn run_command(command: &mut Command) -> CommandResult {
    let output = command.output().unwrap();
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    let args: Vec<_> = args.map(Into::into).collect();
    let stdout = String::from_utf8(output.stdout).unwrap();
    schema_check::assert_output(&args, &stdout);
    CommandResult {
        code: output.status.code().unwrap_or(-1),
        stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns a mono WAV file with 8-bit samples, 8,000 per second, derived from `seed`.
pub fn wav(seed: u32, samples: u32) -> Vec<u8> {
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(b"\x01\0\x08\0data");
    wav.extend(samples.to_le_bytes());
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    wav.extend((0..samples).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    }));
    wav
}

/// Sends the signal `name`, such as `TERM`, to a child process.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(status.success());
}

/// Sets the modification time of a file, in seconds since the Unix epoch.
pub fn set_mtime(path: &Path, seconds: u64) {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

/// Returns the bytes as a string of the operating system.
pub fn os_str(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes)
}
