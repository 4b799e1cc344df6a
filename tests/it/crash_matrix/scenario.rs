//! How the process gets to a point, and what a person does about it after the crash.

use crate::harness::{TestEnv, settings, wav};
use nightscribe::sandbox::{Faults, Settings};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;

/// A situation, with the command that is killed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One recording.
    One,
    /// One recording, in all formats.
    Formats,
    /// Two recordings, sent one after the other.
    Two,
    /// One recording, by the flow that answers a submission with its transcript.
    Legacy,
    /// Two recordings with the same content, of which one is done.
    Equal,
    /// A recording that changed after it was done.
    Changed,
    /// A file that is no recording.
    Text,
    /// A file that vanishes after the scan, and comes back.
    Vanished,
    /// Every submission is refused.
    Rejected,
    /// The key is refused.
    KeyRefused,
    /// Every transcription fails.
    Failing,
    /// Nothing can be written into the output folder.
    Unwritable,
    /// One recording, and a service without a list of requests.
    Unlisted,
    /// One recording, with a program that is told, and one that is run for it.
    Told,
    /// The same, with a program that takes a message only the second time it gets one.
    Untold,
    /// The run before was killed at this point.
    After(&'static str),
    /// `pause`
    Pause,
    /// `resume`, after a pause.
    Resume,
    /// `cancel`
    Cancel,
    /// `retry`, after every submission was refused.
    Retry,
    /// `export`, after the files were deleted.
    Export,
}

/// So many files that they are synced at once.
const MORE_FORMATS: &str = ", 'md', 'tsv', 'lrc', 'podcast', 'whisperx', 'aud'";

const EXPORT: [&str; 10] = [
    "export", "--all", "--format", "txt", "--format", "json", "--format", "srt", "--format", "vtt",
];

impl Scenario {
    /// The environment just before the command.
    pub fn prepare(self) -> TestEnv {
        let env = TestEnv::with_recordings(self.settings(), if self == Self::Two { 2 } else { 1 });
        match self {
            Self::Formats => configure(&env, "'vtt'", MORE_FORMATS),
            Self::Two => configure(&env, "[limits]", "max_uploads = 1"),
            Self::Legacy => configure(&env, "[api]", "flow = 'legacy'"),
            Self::Equal => {
                env.run_once(0);
                env.add_recording("equal.wav", 0);
            }
            Self::Changed => {
                env.run_once(0);
                fs::write(env.path("recordings/0.wav"), wav(1, 8_001)).unwrap();
            }
            Self::Text => fs::write(env.path("recordings/0.wav"), "text").unwrap(),
            Self::Vanished => {
                env.run(&["scan"]);
                fs::remove_file(env.path("recordings/0.wav")).unwrap();
            }
            Self::Unwritable => fs::write(env.path("transcripts"), "").unwrap(),
            Self::Told => told(&env, ""),
            Self::Untold => told(&env, "; test -e once || { : > once; exit 1; }"),
            Self::Resume => _ = env.run(&["pause"]),
            Self::Cancel => _ = env.run(&["scan"]),
            Self::Retry => {
                env.run_once(1);
                env.sandbox().set_faults(Faults::default());
            }
            Self::Export => {
                env.run_once(0);
                fs::remove_dir_all(env.path("transcripts")).unwrap();
            }
            _ => {}
        }
        env
    }

    fn settings(self) -> Settings {
        let faults = match self {
            Self::Rejected | Self::Retry => "reject=1",
            Self::KeyRefused => "unauthorized=1",
            Self::Failing => "fail=1",
            Self::Unlisted => "no-logs=1",
            _ => return settings(),
        };
        Settings {
            faults: faults.parse().unwrap(),
            ..settings()
        }
    }

    /// Lets the command run until it dies at the point. Says so if it does not.
    pub fn kills(self, env: &TestEnv, at: &str) -> Result<(), String> {
        if let Self::After(earlier) = self {
            dies(env, self.command(), earlier)?;
        }
        dies(env, self.command(), at)
    }

    fn command(self) -> &'static [&'static str] {
        match self {
            Self::Pause => &["pause"],
            Self::Resume => &["resume"],
            Self::Cancel => &["cancel", "1"],
            Self::Retry => &["retry", "--failed"],
            Self::Export => &EXPORT,
            _ => &["run", "--once"],
        }
    }

    /// What a person, or the weather, does before the next run.
    pub fn mend(self, env: &TestEnv) {
        match self {
            Self::Vanished => env.add_recording("0.wav", 0),
            Self::Rejected => {
                env.sandbox().set_faults(Faults::default());
                env.run(&["retry", "--failed"]);
            }
            Self::KeyRefused | Self::Failing => env.sandbox().set_faults(Faults::default()),
            Self::Unwritable => fs::remove_file(env.path("transcripts")).unwrap(),
            Self::Pause | Self::Resume => _ = env.run(&["resume"]),
            Self::Cancel => _ = env.run(&["retry", "1"]),
            Self::Retry | Self::Export => _ = env.run(self.command()),
            _ => {}
        }
    }

    /// What a person was not told in the end, or told as if it were something else, or what was not run.
    pub fn untold(self, env: &TestEnv) -> Option<String> {
        if !matches!(self, Self::Told | Self::Untold) {
            return None;
        }
        let lines = |name: &str| {
            let text = fs::read_to_string(env.path(name)).unwrap_or_default();
            text.lines().map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let (told, ran) = (lines("told"), lines("ran"));
        let is_one = told.len() == 1 && told.iter().all(|line| line.contains("\"done\":1"));
        (!is_one || ran.len() != 1).then(|| format!("told {told:?}, ran {ran:?}"))
    }

    /// The recordings that must fail.
    pub const fn refused(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["0.wav"],
            _ => &[],
        }
    }
}

fn dies(env: &TestEnv, command: &[&str], at: &str) -> Result<(), String> {
    let ended = env
        .command(command)
        .env("NIGHTSCRIBE_CRASH_AT", at)
        .output()
        .unwrap();
    if ended.status.signal() == Some(9) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(format!("{at} was never reached: {}: {said}", ended.status))
}

fn told(env: &TestEnv, then: &str) {
    env.configure(&format!(
        "[notify]\ncommand = ['/bin/sh', '-c', 'cat >> told; echo >> told{then}']\n\
         [hooks]\non_done = ['/bin/sh', '-c', 'echo $1 >> ran', 'hook', '{{txt}}']\n"
    ));
}

/// Adds a key to a section of the configuration.
fn configure(env: &TestEnv, after: &str, more: &str) {
    let path = env.path("nightscribe.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replace(after, &format!("{after}\n{more}"))).unwrap();
}
