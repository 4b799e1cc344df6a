//! `nightscribe demo`: transcribes bundled recordings with a local sandbox.

use super::args::{self, GlobalArgs};
use super::display;
use super::exit::{CommandError, Exit};
use super::signals::stop_on_signal;
use super::terminal::{DIM, printable_path};
use crate::config::{self, Environment};
use crate::notify::Channels;
use crate::pipeline::{self, Mode, Reload, Setup};
use crate::runtime::clock::SystemClock;
use nightscribe_sandbox::{Sandbox, Settings};
use secrecy::SecretString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Short spoken recordings in several containers, made by `scripts/make-demo-recordings`.
const RECORDINGS: [(&str, &[u8]); 4] = [
    ("evening.mp3", include_bytes!("recordings/evening.mp3")),
    ("midnight.m4a", include_bytes!("recordings/midnight.m4a")),
    (
        "thunderstorm.ogg",
        include_bytes!("recordings/thunderstorm.ogg"),
    ),
    ("morning.flac", include_bytes!("recordings/morning.flac")),
];

/// Time from submission to transcript. Long enough to see the progress.
const DELAY: Duration = Duration::from_secs(2);

pub(super) async fn demo(args: &args::DemoArgs, global: &GlobalArgs) -> Result<Exit, CommandError> {
    let stop = stop_on_signal(|| ())?;
    let folder = folder(args.dir.as_deref())?;
    let failed = |error: io::Error| {
        CommandError::new(
            Exit::Usage,
            format!("cannot write to `{}`: {error}", printable_path(&folder)),
        )
    };
    let recordings = folder.join("recordings");
    fs::create_dir_all(&recordings).map_err(failed)?;
    for (name, bytes) in RECORDINGS {
        fs::write(recordings.join(name), bytes).map_err(failed)?;
    }
    let sandbox = Sandbox::start(Settings {
        delay: DELAY,
        seed: rand::random(),
        ..Settings::default()
    })
    .await;
    let sandbox =
        sandbox.map_err(|error| CommandError::internal("cannot start the sandbox", &error))?;
    let file = folder.join("nightscribe.toml");
    fs::write(&file, configuration(&sandbox.base_url())).map_err(failed)?;
    say(&format!(
        "Recordings: {}. The service is a sandbox at {}.",
        printable_path(&recordings),
        sandbox.address()
    ))?;

    let config = config::load(Some(&file), &Environment::default())?;
    let display = display::for_run(global, false);
    let following = display.follow(&config, &Environment::default());
    let setup = Setup {
        config,
        key: SecretString::from("demo"),
        mode: Mode::Once,
        until: None,
        limit: None,
        only: None,
        clock: Arc::new(SystemClock),
        observer: display.clone(),
        channels: Channels::default(),
        stop: stop.child_token(),
        reload: Reload::default(),
    };
    let summary = pipeline::run(setup).await;
    drop(following);
    display.finish();
    let summary = summary?;
    sandbox.stop().await;
    if stop.is_cancelled() {
        return Ok(Exit::Done);
    }
    show(&folder)?;
    Ok(super::run::exit_code(&summary))
}

fn folder(dir: Option<&Path>) -> Result<PathBuf, CommandError> {
    let failed = |error: io::Error| {
        CommandError::new(Exit::Usage, format!("cannot create the folder: {error}"))
    };
    let Some(dir) = dir else {
        let folder = tempfile::Builder::new()
            .prefix("nightscribe-demo-")
            .tempdir()
            .map_err(failed)?;
        return Ok(folder.keep());
    };
    fs::create_dir_all(dir).map_err(failed)?;
    let dir = dir.canonicalize().map_err(failed)?;
    let foreign = fs::read_dir(&dir).map_err(failed)?.next().is_some()
        && !dir.join("nightscribe.toml").exists();
    if foreign {
        let message = format!(
            "`{}` is not empty; choose a new or empty folder",
            printable_path(&dir)
        );
        return Err(CommandError::new(Exit::Usage, message));
    }
    Ok(dir)
}

fn configuration(base_url: &str) -> String {
    format!(
        "# Written by `nightscribe demo` for its sandbox, which no longer runs.\n\
         [api]\nbase_url = \"{base_url}\"\n\n\
         [limits]\nsubmits_per_minute = 600\n\n\
         [polling]\ninterval = \"500ms\"\n\n\
         [output]\nformats = [\"txt\", \"json\", \"srt\", \"vtt\"]\n\n\
         [[source]]\nname = \"demo\"\npath = \"recordings\"\nmodel = \"#g1_nova-2-general\"\nsettle = \"0s\"\n\n\
         [source.options]\nsmart_format = true\n"
    )
}

fn say(line: &str) -> Result<(), CommandError> {
    Ok(writeln!(anstream::stdout().lock(), "{line}")?)
}

/// Prints the transcripts and the next steps.
fn show(folder: &Path) -> Result<(), CommandError> {
    let transcripts = folder.join("transcripts/demo");
    for (name, _) in RECORDINGS {
        let path = transcripts.join(Path::new(name).with_extension("txt"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| format!("missing: {error}\n"));
        say(&format!("\n{DIM}{name}{DIM:#}\n{}", text.trim_end()))?;
    }
    say(&format!(
        "\nTranscripts as txt, json, srt and vtt: {}\n\
         The sandbox makes up the words and does not listen to the audio. For real transcripts:\n\n\
         \u{20}   nightscribe init          # writes nightscribe.toml; fill in a [[source]]\n\
         \u{20}   export AIMLAPI_KEY=…      # your AI/ML API key\n\
         \u{20}   nightscribe check         # checks that everything is ready\n\
         \u{20}   nightscribe run --once",
        printable_path(&transcripts)
    ))
}
