//! Rendering of one result: the content of its files, and findings about the transcript.

use crate::config::OutputConfig;
use crate::domain::file_name::TemplateValues;
use crate::domain::readable_path::{path_bytes, readable_path};
use crate::domain::rendering::RenderRules;
use crate::domain::search::entry::SearchEntry;
use crate::domain::{
    ErrorClass, Failure, Format, GenerationId, Language, Location, Recording, Transcript, Warning,
};
use crate::output::link::relative_link;
use crate::output::render::{TranscriptMetadata, correct, render, search_entry};
use crate::output::rendered_file::RenderedFile;
use crate::pipeline::stages::save::folders::form_of;
use crate::pipeline::stages::save::names::Naming;
use crate::policy::result_warnings::{Finished, result_warnings};
use crate::provider::{Completed, ResultJson};
use crate::store::sqlite::queue::ReceivedJob;
use std::path::Path;
use std::sync::Arc;

/// A result, rendered in the configured formats.
#[derive(Debug, Clone)]
pub struct RenderedFiles {
    /// Template and values for the file names.
    pub naming: Naming,
    /// Content of each file, in the order of the configured formats.
    pub files: Vec<(Format, RenderedFile)>,
    /// Findings about the transcript.
    pub findings: Findings,
}

/// Findings about a transcript, which the queue stores with its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Whether the recording contains no speech.
    pub silent: bool,
    /// Points that the user should check.
    pub warnings: Vec<Warning>,
    /// Entry of the search index.
    pub entry: Arc<SearchEntry>,
}

/// Settings of the rendering of a result.
#[derive(Debug, Clone, Copy)]
pub struct RenderSettings<'a> {
    /// Settings of the formats and of the file names.
    pub output: &'a OutputConfig,
    /// Formats of the files.
    pub formats: &'a [Format],
    /// Names and replacements.
    pub rules: &'a RenderRules,
}

/// Renders a result for files in `folder`. Formats that need times are left out if the text has none.
///
/// # Errors
/// If the stored result is damaged.
pub fn render_files(
    received: &ReceivedJob,
    completed: Completed,
    folder: &Path,
    settings: RenderSettings<'_>,
) -> Result<RenderedFiles, Failure> {
    let RenderSettings {
        output,
        formats,
        rules,
    } = settings;
    let envelope = envelope(received, folder);
    let warnings = warnings(received, &completed, formats);
    let (mut transcript, result) = completed.into_parts();
    let silent = transcript.is_silent();
    correct(&mut transcript, rules);
    let language = Language::of(transcript.language.as_deref(), &received.request);
    let findings = Findings {
        silent,
        warnings,
        entry: Arc::new(search_entry(received.job, &transcript, language)),
    };
    let formats = writable_formats(formats, &transcript);
    let result = match formats.contains(&Format::Json) {
        true => result.into_json().map_err(|_| damaged_result())?,
        false => ResultJson::default(),
    };
    let render = |format| {
        let options = &output.rendering;
        let file = render(format, &transcript, &result, &envelope, options);
        (format, file)
    };
    let files = formats.into_iter().map(render).collect();
    let naming = Naming {
        template: output.name.clone(),
        facts: facts(received, transcript.language.as_deref()),
        form: form_of(output.names),
    };
    Ok(RenderedFiles {
        naming,
        files,
        findings,
    })
}

/// Returns the failure of a result whose stored bytes are damaged.
pub(crate) fn damaged_result() -> Failure {
    Failure::new(ErrorClass::Output, "the stored result is damaged")
}

/// Returns the formats that can show the transcript. A transcript is not left without a file, unless none is wanted.
fn writable_formats(formats: &[Format], transcript: &Transcript) -> Vec<Format> {
    if formats.is_empty() || transcript.has_times() || transcript.is_silent() {
        return formats.to_vec();
    }
    let without_times = formats.iter().filter(|format| !format.needs_times());
    let formats: Vec<_> = without_times.copied().collect();
    if formats.is_empty() {
        vec![Format::Txt]
    } else {
        formats
    }
}

fn warnings(received: &ReceivedJob, completed: &Completed, formats: &[Format]) -> Vec<Warning> {
    result_warnings(&Finished {
        request: &received.request,
        measured_s: received.measured_s,
        transcript: &completed.transcript,
        extras: completed.extras,
        formats,
    })
}

fn facts(received: &ReceivedJob, detected: Option<&str>) -> TemplateValues {
    let language = Language::of(detected, &received.request);
    let date = match received.recording.location {
        Location::File(_) => Some(received.recording.revision.modified),
        Location::Url(_) => None,
    };
    TemplateValues::new(
        language.as_ref(),
        &received.recording.source,
        date,
        received.request.model(),
    )
}

fn envelope<'a>(received: &'a ReceivedJob, folder: &Path) -> TranscriptMetadata<'a> {
    let Recording {
        location,
        relative,
        revision,
        ..
    } = &received.recording;
    let (recording, audio, size_bytes) = match location {
        Location::File(path) => {
            let audio = relative_link(folder, path);
            (readable_path(relative), audio, Some(revision.size_bytes))
        }
        Location::Url(url) => (url.clone(), url.clone(), None),
    };
    TranscriptMetadata {
        source: &received.recording.source,
        recording_bytes: size_bytes.and_then(|_| path_bytes(relative)),
        recording,
        audio,
        sha256: received.hash.as_ref().map(|hash| &*hash.sha256),
        sound_hash: received
            .hash
            .as_ref()
            .and_then(|hash| hash.sound.as_deref()),
        size_bytes,
        request: &received.request,
        generation_id: received.generation.as_ref().map(GenerationId::as_str),
        recorded_at: received.recorded_at,
        submitted_at: received.accepted_at,
        received_at: received.received_at,
    }
}
