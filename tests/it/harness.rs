//! A folder of its own with recordings, a configuration, a sandbox for the service, and the real binary.

use nightscribe::sandbox::{Sandbox, Settings};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The key that every environment uses.
pub const KEY: &str = "sk-test-key";

/// Waits and limits so short that a test takes no time.
const CONFIG: &str = "
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

pub struct TestEnv {
    dir: TempDir,
    sandbox: Option<Sandbox>,
    runtime: Runtime,
}

/// A command that runs. It is killed when a test fails under it.
pub struct RunningCommand(Child);

impl RunningCommand {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        signal(&self.0, name);
    }

    /// Waits for its exit code; -1 if a signal killed it.
    pub fn wait(&mut self) -> i32 {
        self.0.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// How a command ended.
pub struct CommandResult {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// What the sandbox of an environment is told, if nothing else.
pub fn settings() -> Settings {
    Settings {
        delay: Duration::ZERO,
        key: Some(KEY.to_owned()),
        seed: 7,
        ..Settings::default()
    }
}

impl TestEnv {
    /// An environment without recordings.
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

    /// An environment with so many recordings, `0.wav` and so on.
    pub fn with_recordings(settings: Settings, count: u32) -> Self {
        let env = Self::new(settings);
        (0..count).for_each(|number| env.add_recording(format!("{number}.wav"), number));
        env
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    /// From now on nobody answers at the service's address.
    pub fn stop_sandbox(&mut self) {
        let sandbox = self.sandbox.take().unwrap();
        self.runtime.block_on(sandbox.stop());
    }

    /// Writes the configuration: `first` before the source, so that it can add keys to the last section or sections of
    /// its own.
    pub fn configure(&self, first: &str) {
        self.configure_with(first, SOURCE);
    }

    pub fn configure_with(&self, first: &str, source: &str) {
        let base_url = self.sandbox().base_url();
        let api = format!("[api]\nbase_url = '{base_url}'\n");
        fs::write(
            self.path("nightscribe.toml"),
            format!("{api}{CONFIG}{first}{source}"),
        )
        .unwrap();
    }

    /// A recording of a second, whose sound is made from `seed`.
    pub fn add_recording(&self, name: impl AsRef<Path>, seed: u32) {
        let path = self.path("recordings").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wav(seed, 8_000)).unwrap();
    }

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

    pub fn run(&self, args: &[&str]) -> CommandResult {
        run_command(&mut self.command(args))
    }

    /// `run --once`, which must end with `code`.
    pub fn run_once(&self, code: i32) -> CommandResult {
        let ended = self.run(&["run", "--once"]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        ended
    }

    pub fn start(&self, args: &[&str]) -> RunningCommand {
        let child = self
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        RunningCommand(child)
    }

    /// Starts a command whose log is kept in the file `log` of the environment.
    pub fn start_logged(&self, command: &mut Command, log: &str) -> RunningCommand {
        let log = fs::File::create(self.path(log)).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        RunningCommand(child)
    }

    /// The lines of that file so far.
    pub fn log_lines(&self, log: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path(log)).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    pub fn status(&self) -> Value {
        let status = self.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{}", status.stderr);
        serde_json::from_str(&status.stdout).unwrap()
    }

    pub fn count(&self, state: &str) -> u64 {
        self.status()["counts"][state].as_u64().unwrap()
    }

    /// The items, oldest first.
    pub fn items(&self) -> Vec<Value> {
        let list = self.run(&["list", "--json"]).stdout;
        let mut items: Vec<Value> = list
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        items.reverse();
        items
    }

    pub fn item(&self, name: &str) -> Value {
        self.items()
            .into_iter()
            .rfind(|item| item["relative"] == name)
            .unwrap()
    }

    pub fn transcript(&self, name: &str) -> String {
        let path = self.path("transcripts/talks").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Names below a folder, sorted.
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

    /// Looks until it holds: something another process does, in its own time.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..3000 {
            if holds(self) {
                return;
            }
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("{what}: it never came");
    }
}

pub fn run_command(command: &mut Command) -> CommandResult {
    let output = command.output().unwrap();
    CommandResult {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A mono recording of 8-bit sound, 8,000 samples a second.
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

/// Sends a signal to a child.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(status.success());
}

/// A file whose last change is at `second` of 1970.
pub fn set_mtime(path: &Path, second: u64) {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(second);
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

pub fn os_str(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes)
}
