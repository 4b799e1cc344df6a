//! Scenarios: what leads to a failpoint, and what the user repairs after the crash.

use crate::harness::{TestEnv, settings, wav};
use crate::sound_copies::{COPY, install as install_ffmpeg, video};
use nightscribe_sandbox::{Faults, Settings};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;

/// An initial state, with the command that is killed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One recording.
    Single,
    /// One recording, in all formats.
    AllFormats,
    /// A video whose sound track is sent.
    Video,
    /// Two recordings, submitted one after the other.
    Two,
    /// One recording, in the API mode that responds to a submission with the transcript.
    Legacy,
    /// A done recording and a duplicate of it.
    Duplicate,
    /// A done recording whose queue and one of its files were lost.
    LostQueue,
    /// A recording with a file of its name in the output folder.
    StrayTranscript,
    /// The command `resume --submit-anyway`, after that file has held the recording.
    Approve,
    /// A recording that changed after it was done.
    Changed,
    /// A file that is not a recording.
    NotARecording,
    /// A file that disappears after the scan and reappears before the next run.
    Vanished,
    /// One recording above the budget.
    OverBudget,
    /// A recording that was excluded by a limit of its source, which is gone.
    Included,
    /// Every submission is refused.
    Rejected,
    /// The service refuses the API key.
    InvalidKey,
    /// Every transcription fails.
    Failing,
    /// The output folder cannot be written to.
    UnwritableOutput,
    /// One recording, and a service without a request log.
    NoRequestLog,
    /// One recording, with a notification command and a hook.
    Notified,
    /// The same, with a notification command that fails the first time.
    NotifiedOnRetry,
    /// A run that follows a kill at this failpoint.
    AfterCrash(&'static str),
    /// The command `pause`.
    Pause,
    /// The command `resume`, after a pause.
    Resume,
    /// The command `cancel`.
    Cancel,
    /// The command `retry`, after every submission was refused.
    Retry,
    /// The command `export`, after the output files were deleted.
    Export,
    /// The command `export --changed`, after a replacement was configured.
    ExportChanged,
    /// The command `search --rebuild`.
    RebuildIndex,
}

/// Additional formats. With this many files, the whole file system is synced instead of each file.
const MORE_FORMATS: &str = ", 'md', 'tsv', 'lrc', 'podcast', 'whisperx', 'aud', 'html', 'docx'";

const EXPORT: [&str; 10] = [
    "export", "--all", "--format", "txt", "--format", "json", "--format", "srt", "--format", "vtt",
];

impl Scenario {
    /// Creates the environment in its state before the command.
    pub fn prepare(self) -> TestEnv {
        let env = TestEnv::with_recordings(self.settings(), if self == Self::Two { 2 } else { 1 });
        match self {
            Self::AllFormats => configure(&env, "'vtt'", MORE_FORMATS),
            Self::Video => {
                fs::remove_file(env.path("recordings/0.wav")).unwrap();
                fs::write(env.path("recordings/0.mp4"), video(0)).unwrap();
                install_ffmpeg(&env, COPY);
                env.configure("[media]\nffmpeg = './ffmpeg'\n");
            }
            Self::Two => configure(&env, "[limits]", "max_uploads = 1"),
            Self::Legacy => configure(&env, "[api]", "flow = 'legacy'"),
            Self::Duplicate => {
                env.run_once(0);
                env.add_recording("equal.wav", 0);
            }
            Self::LostQueue => {
                env.run_once(0);
                fs::remove_dir_all(env.path("state")).unwrap();
                fs::remove_file(env.path("transcripts/talks/0.srt")).unwrap();
            }
            Self::StrayTranscript => write_stray_transcript(&env),
            Self::Approve => {
                write_stray_transcript(&env);
                env.run_once(3);
                fs::remove_dir_all(env.path("transcripts")).unwrap();
            }
            Self::Changed => {
                env.run_once(0);
                fs::write(env.path("recordings/0.wav"), wav(1, 8_001)).unwrap();
            }
            Self::NotARecording => fs::write(env.path("recordings/0.wav"), "text").unwrap(),
            Self::Vanished => {
                env.run(&["scan"]);
                fs::remove_file(env.path("recordings/0.wav")).unwrap();
            }
            Self::OverBudget => env.configure("[budget]\nhours_per_run = 0.0001\n"),
            Self::Included => {
                configure(&env, "[[source]]", "max_duration = '10ms'");
                env.run_once(0);
                env.configure("");
            }
            Self::UnwritableOutput => fs::write(env.path("transcripts"), "").unwrap(),
            Self::Notified => configure_notifications(&env, ""),
            Self::NotifiedOnRetry => {
                configure_notifications(&env, "; test -e once || { : > once; exit 1; }")
            }
            Self::Resume => _ = env.run(&["pause"]),
            Self::Cancel => _ = env.run(&["scan"]),
            Self::Retry => {
                env.run_once(1);
                env.sandbox().set_faults(Faults::default());
            }
            Self::RebuildIndex => _ = env.run_once(0),
            Self::ExportChanged => {
                env.run_once(0);
                let rules = "[replace]\nspeech = 'voice'\n";
                fs::write(env.path("recordings/.nightscribe.toml"), rules).unwrap();
            }
            Self::Export => {
                env.run_once(0);
                fs::remove_dir_all(env.path("transcripts")).unwrap();
            }
            _ => {}
        }
        env
    }

    /// Whether the scenario itself causes what looks like a violation: a lost queue holds no claim of what was paid before.
    pub fn explains(self, violation: &str) -> bool {
        self == Self::LostQueue && violation.starts_with("no claim for ")
    }

    fn settings(self) -> Settings {
        let faults = match self {
            Self::Rejected | Self::Retry => "reject=1",
            Self::InvalidKey => "unauthorized=1",
            Self::Failing => "fail=1",
            Self::NoRequestLog => "no-logs=1",
            _ => return settings(),
        };
        Settings {
            faults: faults.parse().unwrap(),
            ..settings()
        }
    }

    /// Runs the command until it is killed at the failpoint.
    ///
    /// # Errors
    ///
    /// If the command exits in another way.
    pub fn run_until_killed(self, env: &TestEnv, at: &str) -> Result<(), String> {
        if let Self::AfterCrash(earlier) = self {
            run_until_killed(env, self.command(), earlier)?;
        }
        run_until_killed(env, self.command(), at)
    }

    fn command(self) -> &'static [&'static str] {
        match self {
            Self::Pause => &["pause"],
            Self::Resume => &["resume"],
            Self::Approve => &["resume", "--submit-anyway"],
            Self::Cancel => &["cancel", "1"],
            Self::Retry => &["retry", "--failed"],
            Self::Export => &EXPORT,
            Self::ExportChanged => &["export", "--changed"],
            Self::RebuildIndex => &["search", "--rebuild"],
            _ => &["run", "--once"],
        }
    }

    /// Repairs the cause of the scenario before the next run, as the user would.
    pub fn repair(self, env: &TestEnv) {
        match self {
            Self::Vanished => env.add_recording("0.wav", 0),
            Self::Rejected => {
                env.sandbox().set_faults(Faults::default());
                env.run(&["retry", "--failed"]);
            }
            Self::OverBudget => env.configure(""),
            Self::InvalidKey | Self::Failing => env.sandbox().set_faults(Faults::default()),
            Self::UnwritableOutput => fs::remove_file(env.path("transcripts")).unwrap(),
            Self::Pause | Self::Resume => _ = env.run(&["resume"]),
            Self::Cancel => _ = env.run(&["retry", "1"]),
            Self::StrayTranscript => fs::remove_dir_all(env.path("transcripts")).unwrap(),
            Self::Retry
            | Self::Export
            | Self::ExportChanged
            | Self::RebuildIndex
            | Self::Approve => _ = env.run(self.command()),
            _ => {}
        }
    }

    /// Returns a violation if the notification was lost or wrong, or if the hook did not run.
    pub fn notification_violation(self, env: &TestEnv) -> Option<String> {
        if !matches!(self, Self::Notified | Self::NotifiedOnRetry) {
            return None;
        }
        let read_lines = |name: &str| {
            let text = fs::read_to_string(env.path(name)).unwrap_or_default();
            text.lines().map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let (messages, hooks) = (read_lines("messages"), read_lines("hooks"));
        let is_notified =
            messages.len() == 1 && messages.iter().all(|line| line.contains("\"done\":1"));
        (!is_notified || hooks.len() != 1)
            .then(|| format!("messages {messages:?}, hooks {hooks:?}"))
    }

    /// Returns the recordings that must fail.
    pub const fn expected_failures(self) -> &'static [&'static str] {
        match self {
            Self::NotARecording => &["0.wav"],
            _ => &[],
        }
    }
}

/// Runs the command with a failpoint. Fails if the process was not killed by it.
fn run_until_killed(env: &TestEnv, command: &[&str], at: &str) -> Result<(), String> {
    let output = env
        .command(command)
        .env("NIGHTSCRIBE_CRASH_AT", at)
        .output()
        .unwrap();
    if output.status.signal() == Some(9) {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{at} was never reached: {}: {stderr}",
        output.status
    ))
}

/// Writes a file to the output folder that looks like the transcript of the recording.
fn write_stray_transcript(env: &TestEnv) {
    let folder = env.path("transcripts/talks");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("0.txt"), "stray").unwrap();
}

/// Configures a notification command and a hook. `then` is run by the shell after each message.
fn configure_notifications(env: &TestEnv, then: &str) {
    env.configure(&format!(
        "[notify]\ncommand = ['/bin/sh', '-c', 'cat >> messages; echo >> messages{then}']\n\
         [hooks]\non_done = ['/bin/sh', '-c', 'echo $1 >> hooks', 'hook', '{{txt}}']\n"
    ));
}

/// Inserts a line into the configuration, after the text `after`.
fn configure(env: &TestEnv, after: &str, line: &str) {
    let path = env.path("nightscribe.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replace(after, &format!("{after}\n{line}"))).unwrap();
}
