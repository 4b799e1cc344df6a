//! One result → its files, under names that overwrite nobody's. Blocks; the database is asked before and told after.

use crate::api::Completed;
use crate::config::{Layout, Output};
use crate::domain::file_name::Facts;
use crate::domain::{ErrorClass, Failure, FileName, Format};
use crate::output::link::link;
use crate::output::naming;
use crate::output::render::{Envelope, render};
use crate::output::write::{Found, Staged, WriteError, look, make_folder, put_in_place};
use crate::store::progress::WrittenFile;
use crate::store::queue::Received;
use crate::store::recordings::Location;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::iter;
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

/// Renders a result, for files in `folder`.
#[must_use]
pub fn rendered(
    received: &Received,
    Completed { raw, transcript }: &Completed,
    folder: &Path,
    name: &FileName,
    formats: &[Format],
) -> Rendered {
    let envelope = envelope(received, folder);
    let render = |&format| (format, render(format, transcript, raw, &envelope));
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

/// A result on its way to its files: all of them are written, under hidden names. They go when this is dropped.
pub struct Placing {
    names: Names,
    ours: HashSet<PathBuf>,
    files: Vec<Staged>,
}

impl Placing {
    /// Writes the files for the first name that overwrites nobody's. A name is settled by what the database says is
    /// this recording's (`ours`), by what is there already, and by what `reserve` says: it is asked for the paths that
    /// are about to be written, and refuses those that somebody else is writing.
    ///
    /// # Errors
    /// Why the files cannot be written.
    pub fn begin(
        received: &Received,
        ours: HashSet<PathBuf>,
        folder: PathBuf,
        rendered: Rendered,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<Self, Failure> {
        let (formats, contents): (Vec<_>, Vec<_>) = rendered.files.into_iter().unzip();
        let mut names = Names::new(received, folder, rendered.naming, formats);
        make_folder(&names.folder).map_err(|error| not_written(&error))?;
        let contents_of = |place: usize| Ok(Cow::from(&contents[place]));
        let (paths, found) = names.choose(&ours, contents_of, reserve)?;
        let files = paths.into_iter().zip(found).zip(&contents);
        let files = files.map(|((path, found), bytes)| Staged::write(path, found, bytes));
        Ok(Self {
            files: files
                .collect::<Result<_, _>>()
                .map_err(|error| not_written(&error))?,
            names,
            ours,
        })
    }

    /// What must be synced before the end.
    pub fn unsynced(&self) -> impl Iterator<Item = &Staged> {
        self.files.iter().filter(|file| file.is_unsynced())
    }

    /// Syncs it.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub fn sync(&self) -> Result<(), Failure> {
        let synced = self.files.iter().try_for_each(Staged::sync);
        synced.map_err(|error| not_written(&error))
    }

    /// Gives the files their names, or the next ones if the file system refuses those. They are durable when their folder
    /// is synced.
    ///
    /// # Errors
    /// Why they cannot get any.
    pub fn end(
        mut self,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<Vec<WrittenFile>, Failure> {
        loop {
            match put_in_place(&mut self.files) {
                Ok(()) => return Ok(self.files.iter().map(written).collect()),
                // Where one of them got its name, another one's is no problem of the name.
                Err(error)
                    if error.is_name_problem() && self.files.iter().all(Staged::is_unsynced) =>
                {
                    let bytes = |place: usize| self.files[place].bytes().map(Cow::from);
                    let (paths, _) = self.names.choose(&self.ours, bytes, &reserve)?;
                    for (file, path) in self.files.iter_mut().zip(paths) {
                        file.move_to(path);
                    }
                }
                Err(error) => return Err(not_written(&error)),
            }
        }
    }
}

fn written(file: &Staged) -> WrittenFile {
    WrittenFile {
        path: file.path().to_owned(),
        size_bytes: file.size_bytes(),
    }
}

/// The names that the files of a result may have, the best first.
struct Names {
    folder: PathBuf,
    naming: Naming,
    formats: Vec<Format>,
    bases: Box<dyn Iterator<Item = OsString> + Send>,
    /// Why there is none left.
    refused: Failure,
}

impl Names {
    /// The recording's own name first; then those that follow it in the order of [`naming::bases`].
    fn new(received: &Received, folder: PathBuf, naming: Naming, formats: Vec<Format>) -> Self {
        let name = received.relative.file_name().unwrap_or_default();
        let own = received.base.clone();
        let others = naming::bases(name).filter({
            let own = own.clone();
            move |base| *base != own
        });
        Self {
            folder,
            naming,
            formats,
            bases: Box::new(iter::once(own).chain(others).take(NAMES)),
            refused: Failure::new(
                ErrorClass::Output,
                "every name its transcripts could have is taken",
            ),
        }
    }

    /// The paths of the next name that overwrites nobody's, and what is there; `contents` gives the bytes of each file.
    fn choose<'a>(
        &mut self,
        ours: &HashSet<PathBuf>,
        contents: impl Fn(usize) -> Result<Cow<'a, [u8]>, WriteError>,
        reserve: impl Fn(&[PathBuf]) -> bool,
    ) -> Result<(Vec<PathBuf>, Vec<Found>), Failure> {
        while let Some(base) = self.bases.next() {
            let paths = self.paths(&base);
            match look_at_all(&paths, ours, &contents) {
                Ok(None) => {}
                Ok(Some(_)) if !reserve(&paths) => {}
                // Looked at again: who was writing there may have ended just before they were reserved.
                Ok(Some(_)) => {
                    let found = look_at_all(&paths, ours, &contents);
                    if let Some(found) = found.map_err(|error| not_written(&error))? {
                        return Ok((paths, found));
                    }
                }
                Err(error) if error.is_name_problem() => self.refused = not_written(&error),
                Err(error) => return Err(not_written(&error)),
            }
        }
        Err(self.refused.clone())
    }

    fn paths(&self, base: &OsStr) -> Vec<PathBuf> {
        let Naming { template, facts } = &self.naming;
        let base = naming::named(template, base, facts);
        let path = |format: &Format| self.folder.join(naming::file_name(&base, *format));
        self.formats.iter().map(path).collect()
    }
}

/// What is at the paths; nothing if somebody's file is.
fn look_at_all<'a>(
    paths: &[PathBuf],
    ours: &HashSet<PathBuf>,
    contents: impl Fn(usize) -> Result<Cow<'a, [u8]>, WriteError>,
) -> Result<Option<Vec<Found>>, WriteError> {
    let mut all = Vec::with_capacity(paths.len());
    for (place, path) in paths.iter().enumerate() {
        let found = look(path, &contents(place)?)?;
        if !is_free(found, ours.contains(path)) {
            return Ok(None);
        }
        all.push(found);
    }
    Ok(Some(all))
}

/// Whether a file may be written where this was found, which is this recording's own or not.
const fn is_free(found: Found, ours: bool) -> bool {
    match found {
        Found::Nothing | Found::Same => true,
        Found::Other => ours,
        Found::Folder => false,
    }
}

/// Why files are not on the disk.
#[must_use]
pub fn not_written(error: &WriteError) -> Failure {
    let reason =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Failure::new(ErrorClass::Output, format!("{error}{reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_name_taken_while_it_was_looked_at_is_nobodys_to_overwrite() {
        let folder = tempfile::tempdir().unwrap();
        let naming = Naming {
            template: "{stem}".parse().unwrap(),
            facts: Facts::default(),
        };
        let received = Received {
            relative: "talk.mp3".into(),
            base: "talk".into(),
            ..Received::of_job(1)
        };
        let mut names = Names::new(&received, folder.path().into(), naming, vec![Format::Txt]);
        // Another round writes the first name, and is done with it, just before it is reserved.
        let other = folder.path().join("talk.txt");
        let reserve = |_: &[PathBuf]| fs::write(&other, "another talk").is_ok();
        let contents = |_| Ok(Cow::from(&b"this talk"[..]));
        let (paths, _) = names.choose(&HashSet::new(), contents, reserve).unwrap();
        assert_eq!(paths, [folder.path().join("talk.mp3.txt")]);
    }
}
