//! Result → files. The result is safe in the database already; `done` is said only of files that are on disk, whole
//! and synced. What cannot be written stays received and is tried again.

use super::clock::sleep_until;
use super::context::Context;
use super::event::Event;
use crate::api::read_transcript;
use crate::config::{Layout, Output};
use crate::domain::{ErrorClass, Failure, Format, Timestamp};
use crate::output::leftover::remove_leftovers;
use crate::output::link::link;
use crate::output::naming;
use crate::output::render::{Envelope, render};
use crate::output::write::{OutputFile, WriteError, is_free, write_all};
use crate::store::progress::WrittenFile;
use crate::store::queue::Received;
use crate::store::recordings::Location;
use crate::store::{Store, StoreError};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Results in hand at once, which bounds the memory they take.
const AT_ONCE: usize = 8;
/// Between two tries of a folder that cannot be written: as long as it could not be so far, within these bounds.
const WRITE_AGAIN_LEAST: Duration = Duration::from_secs(1);
const WRITE_AGAIN_MOST: Duration = Duration::from_secs(60);
/// Names that are tried for a recording's transcripts before its files are given up for now.
const NAMES: usize = 100;

/// Writes what was received until the run stops and nothing is left that can be written.
///
/// # Errors
/// If the database fails for good.
pub async fn save_all(context: Arc<Context>) -> Result<(), StoreError> {
    tidy(&context).await?;
    loop {
        let received = context.store.received(context.now(), AT_ONCE).await?;
        if !received.is_empty() {
            save_round(&context, received).await?;
            context.progress.notify_one();
            continue;
        }
        if context.stop.is_cancelled() {
            return Ok(());
        }
        let again = context
            .store
            .next_writing()
            .await?
            .unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = context.to_save.notified() => {}
            () = context.stop.cancelled() => {}
            () = sleep_until(&*context.clock, again) => {}
        }
    }
}

/// Removes the halves of files that a crash left: they can only be where a result is still to be written.
async fn tidy(context: &Context) -> Result<(), StoreError> {
    let waiting = context.store.received(Timestamp::MAX, usize::MAX).await?;
    let folders: BTreeSet<_> = waiting
        .iter()
        .map(|received| folder(&context.config.output, received))
        .collect();
    for folder in folders {
        if let Err(error) = remove_leftovers(&folder) {
            tracing::warn!(error = %error, folder = ?folder, "what a crash left could not be removed");
        }
    }
    Ok(())
}

async fn save_round(context: &Arc<Context>, received: Vec<Received>) -> Result<(), StoreError> {
    let mut saving = JoinSet::new();
    for one in received {
        let context = context.clone();
        saving.spawn(async move { save_one(&context, one).await });
    }
    let (mut written, mut failed) = (false, false);
    while let Some(ended) = saving.join_next().await {
        match ended {
            Ok(saved) => *(if saved? { &mut written } else { &mut failed }) = true,
            Err(panic) => {
                failed = true;
                tracing::error!(error = %panic, "writing a transcript failed inside; its result is safe");
            }
        }
    }
    if written || failed {
        context.tally.tried_to_write(written, context.now());
    }
    Ok(())
}

/// Whether the files of one result were written.
async fn save_one(context: &Context, received: Received) -> Result<bool, StoreError> {
    let job = received.job;
    let name = received.relative.clone();
    let output = &context.config.output;
    let folder = folder(output, &received);
    let rendered = rendered(&context.store, &received, &folder, &output.formats).await?;
    match place(&context.store, &received, &folder, &rendered.files).await? {
        Ok(files) => {
            let outputs = files.iter().map(|file| file.path.clone()).collect();
            if context
                .persist(job, || {
                    context.store.written(job, files.clone(), context.now())
                })
                .await?
                .is_some()
            {
                let silent = rendered.silent;
                context.notice(&Event::Done {
                    job,
                    name,
                    outputs,
                    silent,
                });
            }
            Ok(true)
        }
        Err(failure) => {
            let now = context.now();
            let due = now.after(
                context
                    .tally
                    .unwritable_for(now)
                    .clamp(WRITE_AGAIN_LEAST, WRITE_AGAIN_MOST),
            );
            context
                .persist(job, || {
                    context.store.not_written(job, failure.clone(), due, now)
                })
                .await?;
            context.notice(&Event::NotWritten {
                job,
                name,
                failure,
                due,
            });
            Ok(false)
        }
    }
}

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

/// A result in the formats that were asked for.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The bytes of each format's file, in the order asked for.
    pub files: Vec<(Format, Vec<u8>)>,
    /// Whether nothing was said.
    pub silent: bool,
}

/// Renders a stored result for files in `folder`.
///
/// # Errors
/// If the database fails.
pub async fn rendered(
    store: &Store,
    received: &Received,
    folder: &Path,
    formats: &[Format],
) -> Result<Rendered, StoreError> {
    let raw = store.result(received.job).await?;
    let (received, folder, formats) = (received.clone(), folder.to_owned(), formats.to_vec());
    let rendering = tokio::task::spawn_blocking(move || {
        let transcript = read_transcript(&raw);
        let envelope = envelope(&received, &folder);
        let render = |format| (format, render(format, &transcript, &raw, &envelope));
        Rendered {
            files: formats.into_iter().map(render).collect(),
            silent: transcript.is_silent(),
        }
    });
    rendering
        .await
        .map_err(|_| StoreError::Content { column: "raw" })
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
/// this recording's and by what is there already.
///
/// # Errors
/// If the database fails. That the files cannot be written is the inner failure.
pub async fn place(
    store: &Store,
    received: &Received,
    folder: &Path,
    rendered: &[(Format, Vec<u8>)],
) -> Result<Result<Vec<WrittenFile>, Failure>, StoreError> {
    let mut refused = Failure::new(
        ErrorClass::Output,
        "every name its transcripts could have is taken",
    );
    for base in names(received) {
        let files: Vec<_> = rendered
            .iter()
            .map(|(format, bytes)| OutputFile {
                path: folder.join(naming::file_name(&base, *format)),
                bytes: bytes.clone(),
            })
            .collect();
        match all_free(store, received, &files).await? {
            Ok(true) => {}
            Ok(false) => continue,
            Err(failure) => return Ok(Err(failure)),
        }
        let written = sizes(&files);
        match tokio::task::spawn_blocking(move || write_all(&files)).await {
            Ok(Ok(())) => return Ok(Ok(written)),
            Ok(Err(error)) if error.is_name_problem() => refused = not_written(&error),
            Ok(Err(error)) => return Ok(Err(not_written(&error))),
            Err(_) => {
                return Ok(Err(Failure::new(
                    ErrorClass::Output,
                    "writing failed inside",
                )));
            }
        }
    }
    Ok(Err(refused))
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

async fn all_free(
    store: &Store,
    received: &Received,
    files: &[OutputFile],
) -> Result<Result<bool, Failure>, StoreError> {
    for file in files {
        let ours = store.wrote(received.recording, &file.path).await?;
        match is_free(&file.path, &file.bytes, ours) {
            Ok(true) => {}
            Ok(false) => return Ok(Ok(false)),
            Err(error) => {
                let message = format!("cannot look at `{}`: {error}", file.path.display());
                return Ok(Err(Failure::new(ErrorClass::Output, message)));
            }
        }
    }
    Ok(Ok(true))
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

fn not_written(error: &WriteError) -> Failure {
    let reason =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Failure::new(ErrorClass::Output, format!("{error}{reason}"))
}
