//! One result → its files, under names that overwrite nobody's. Blocks; the database is asked before and told after.

use crate::api::read_transcript;
use crate::config::{Layout, Output};
use crate::domain::file_name::Facts;
use crate::domain::{ErrorClass, Failure, FileName, Format};
use crate::output::link::link;
use crate::output::naming;
use crate::output::render::{Envelope, render};
use crate::output::write::{OutputFile, WriteError, is_free, put_in_place};
use crate::store::progress::WrittenFile;
use crate::store::queue::Received;
use crate::store::recordings::Location;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names that are tried for a recording's transcripts before its files are given up for now.
const NAMES: usize = 100;

/// The folder that a recording's transcripts go to.
#[must_use]
pub fn folder(output: &Output, received: &Received) -> PathBuf {
    match (output.layout, &received.location) {
        (Layout::Beside, Location::File(path)) => {
            path.parent().unwrap_or(Path::new("/")).to_owned()
        }
        _ => naming::folder(&output.dir, &received.source, &received.relative),
    }
}

/// How the files of a result are named.
#[derive(Debug, Clone)]
pub struct Naming {
    template: FileName,
    facts: Facts,
}

/// A result in the formats that were asked for.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// How its files are named.
    pub naming: Naming,
    /// The bytes of each format's file, in the order asked for.
    pub files: Vec<(Format, Vec<u8>)>,
    /// Whether nothing was said.
    pub silent: bool,
}

/// Renders a result from its JSON, for files in `folder`.
#[must_use]
pub fn rendered(
    received: &Received,
    raw: &str,
    folder: &Path,
    name: &FileName,
    formats: &[Format],
) -> Rendered {
    let transcript = read_transcript(raw);
    let envelope = envelope(received, folder);
    let render = |&format| (format, render(format, &transcript, raw, &envelope));
    Rendered {
        naming: Naming {
            template: name.clone(),
            facts: facts(received, transcript.language.as_deref()),
        },
        files: formats.iter().map(render).collect(),
        silent: transcript.is_silent(),
    }
}

fn facts(received: &Received, detected: Option<&str>) -> Facts {
    let asked = received.request.options().get("language");
    let language = detected.or_else(|| asked?.as_str());
    let date = match received.location {
        Location::File(_) => Some(received.modified),
        Location::Url(_) => None,
    };
    Facts::new(language, &received.source, date, received.request.model())
}

fn envelope<'a>(received: &'a Received, folder: &Path) -> Envelope<'a> {
    let (recording, audio) = match &received.location {
        Location::File(path) => {
            let recording = received.relative.to_string_lossy().into_owned();
            (recording, link(folder, path))
        }
        Location::Url(url) => (url.clone(), url.clone()),
    };
    Envelope {
        source: &received.source,
        recording,
        audio,
        sha256: received.sha256.as_deref(),
        request: &received.request,
        generation_id: received
            .generation
            .as_ref()
            .map(crate::domain::GenerationId::as_str),
        recorded_at: received.recorded_at,
        submitted_at: received.accepted_at,
        received_at: received.received_at,
    }
}

/// Writes the files under the first name that overwrites nobody's. A name is settled by what the database says is
/// this recording's (`ours`), by what is there already, and by what `reserve` says: it is asked for the paths that are
/// about to be written, and refuses those that somebody else is writing. They are durable when their folder is synced.
///
/// # Errors
/// Why the files cannot be written.
pub fn place(
    received: &Received,
    ours: &HashSet<PathBuf>,
    folder: &Path,
    rendered: (Naming, Vec<(Format, Vec<u8>)>),
    reserve: impl Fn(&[OutputFile]) -> bool,
) -> Result<Vec<WrittenFile>, Failure> {
    let mut refused = Failure::new(
        ErrorClass::Output,
        "every name its transcripts could have is taken",
    );
    let (Naming { template, facts }, rendered) = rendered;
    let (formats, contents): (Vec<_>, Vec<_>) = rendered.into_iter().unzip();
    let mut files: Vec<_> = contents.into_iter().map(nameless).collect();
    for base in names(received) {
        let base = naming::named(&template, &base, &facts);
        for (file, format) in files.iter_mut().zip(&formats) {
            file.path = folder.join(naming::file_name(&base, *format));
        }
        if !all_free(ours, &files)? || !reserve(&files) {
            continue;
        }
        match put_in_place(&files) {
            Ok(()) => return Ok(sizes(&files)),
            Err(error) if error.is_name_problem() => refused = not_written(&error),
            Err(error) => return Err(not_written(&error)),
        }
    }
    Err(refused)
}

const fn nameless(bytes: Vec<u8>) -> OutputFile {
    OutputFile {
        path: PathBuf::new(),
        bytes,
    }
}

/// Its own name first; then those that follow it in the order of [`naming::bases`].
fn names(received: &Received) -> impl Iterator<Item = OsString> {
    let name = received.relative.file_name().unwrap_or_default().to_owned();
    let own = received.base.clone();
    let others = naming::bases(&name).filter({
        let own = own.clone();
        move |base| *base != own
    });
    std::iter::once(own).chain(others).take(NAMES)
}

fn all_free(ours: &HashSet<PathBuf>, files: &[OutputFile]) -> Result<bool, Failure> {
    for file in files {
        match is_free(&file.path, &file.bytes, ours.contains(&file.path)) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => {
                let message = format!("cannot look at `{}`: {error}", file.path.display());
                return Err(Failure::new(ErrorClass::Output, message));
            }
        }
    }
    Ok(true)
}

fn sizes(files: &[OutputFile]) -> Vec<WrittenFile> {
    files
        .iter()
        .map(|file| WrittenFile {
            path: file.path.clone(),
            size_bytes: file.bytes.len() as u64,
        })
        .collect()
}

/// Why files are not on the disk.
#[must_use]
pub fn not_written(error: &WriteError) -> Failure {
    let reason =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Failure::new(ErrorClass::Output, format!("{error}{reason}"))
}
