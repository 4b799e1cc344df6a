//! Taking a transcript on disk into the queue, as the result of a job.

use super::files_in_place::FilesInPlace;
use crate::config::OutputConfig;
use crate::domain::{Format, GenerationId, JobId, Recording, RecordingIdentity, Timestamp};
use crate::output::envelope::read_result;
use crate::output::transcript_files::with_extension;
use crate::output::unrecorded::UnrecordedTranscript;
use crate::output::write::parent_folder;
use crate::pipeline::received::packed;
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::policy::quality::quality;
use crate::provider::Completed;
use crate::store::sqlite::import::Import;
use std::io;

/// Reads the result of `transcript` for the job of a recording with equal content or sound, which is `identity`. Returns `None` if it holds no result.
///
/// If the files are where those of the recording belong, they become its files as they are, also with corrections by a
/// person. Formats that do not exist are written. Otherwise the job is left to be saved. Blocks.
///
/// # Errors
/// If the transcript cannot be read.
pub fn read_import(
    job: JobId,
    recording: &Recording,
    identity: RecordingIdentity,
    transcript: &UnrecordedTranscript,
    output: &OutputConfig,
    now: Timestamp,
) -> io::Result<Option<Import>> {
    let Some(envelope) = &transcript.envelope else {
        return Ok(None);
    };
    let Some(raw) = read_result(&with_extension(&transcript.stem, Format::Json))? else {
        return Ok(None);
    };
    let completed = Completed::from_body(raw.into_bytes())?;
    let folder = parent_folder(&transcript.stem);
    let is_in_place = transcript.names(recording)
        && OutputFolders::of(output, recording)
            .iter()
            .any(|own| own == folder);
    let files = if is_in_place {
        let files = FilesInPlace {
            transcript,
            envelope,
            read: &completed.transcript,
            result_json: completed.result_json()?,
            recording,
        };
        Some(files.take_over(output).unwrap_or_else(|error| {
            tracing::warn!(error = %error, "cannot take over the files of a transcript");
            Vec::new()
        }))
    } else {
        None
    };
    let read = &completed.transcript;
    Ok(Some(Import {
        job,
        request: envelope.request(),
        identity,
        generation: envelope.generation_id.clone().and_then(GenerationId::new),
        accepted_at: envelope.submitted_at,
        received_at: envelope.received_at,
        raw: packed(&completed.body),
        duration_s: read.duration_s,
        words: read.words.len() as u64,
        language: read.language.clone(),
        silent: read.is_silent(),
        quality: quality(read),
        files,
        now,
    }))
}
