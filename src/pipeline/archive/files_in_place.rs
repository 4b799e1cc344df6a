//! The files of a transcript that are where those of its recording belong.

use crate::config::OutputConfig;
use crate::domain::{Format, Location, Recording, Request, Transcript, WrittenFile};
use crate::output::envelope::Envelope;
use crate::output::error::WriteError;
use crate::output::link::relative_link;
use crate::output::render::{TranscriptMetadata, render};
use crate::output::target::{Target, TargetState};
use crate::output::transcript_files::with_extension;
use crate::output::unrecorded::UnrecordedTranscript;
use crate::output::write::{StagedFile, parent_folder, rename_into_place, sync_folder};
use crate::provider::ResultJson;

/// The files of a transcript, and what they were rendered from.
pub(super) struct FilesInPlace<'a> {
    pub(super) transcript: &'a UnrecordedTranscript,
    pub(super) envelope: &'a Envelope,
    pub(super) read: &'a Transcript,
    pub(super) result_json: ResultJson,
    pub(super) recording: &'a Recording,
}

impl FilesInPlace<'_> {
    /// Returns the records of all files, and writes those of the configured formats that are missing. No existing file is changed.
    /// Blocks.
    ///
    /// # Errors
    /// If a file cannot be examined or written.
    pub(super) fn take_over(&self, output: &OutputConfig) -> Result<Vec<WrittenFile>, WriteError> {
        let request = self.envelope.request();
        let metadata = self.metadata(&request);
        let wanted = |format: &Format| {
            output.formats.contains(format) || self.transcript.formats.contains(format)
        };
        let (mut staged, mut edited) = (Vec::new(), Vec::new());
        for format in Format::ALL.into_iter().filter(wanted) {
            let options = &output.rendering;
            let file = render(format, self.read, &self.result_json, &metadata, options);
            let path = with_extension(&self.transcript.stem, format);
            let content = file.content().map_err(WriteError::at(&path))?;
            let target = Target::inspect(path, &content, None)?;
            match target.state {
                TargetState::Missing | TargetState::Identical => {
                    staged.push(StagedFile::write(target, content, &file)?);
                }
                TargetState::Folder => {}
                // The record is not that of the file, which therefore counts as edited.
                TargetState::Unedited(_) | TargetState::Edited | TargetState::Foreign => {
                    edited.push(WrittenFile {
                        path: target.path,
                        size_bytes: content.size_bytes,
                        sha256: content.sha256,
                        changed_at_ns: None,
                    });
                }
            }
        }
        staged.iter().try_for_each(StagedFile::sync)?;
        rename_into_place(&mut staged)?;
        sync_folder(parent_folder(&self.transcript.stem))?;
        Ok(staged
            .iter()
            .map(StagedFile::record)
            .chain(edited)
            .collect())
    }

    /// Returns the metadata with which the files were rendered.
    fn metadata<'a>(&'a self, request: &'a Request) -> TranscriptMetadata<'a> {
        let (envelope, folder) = (self.envelope, parent_folder(&self.transcript.stem));
        TranscriptMetadata {
            source: &envelope.source,
            recording: envelope.recording.clone(),
            recording_bytes: envelope.recording_bytes.clone(),
            audio: match &self.recording.location {
                Location::File(path) => relative_link(folder, path),
                Location::Url(url) => url.clone(),
            },
            sha256: envelope.sha256.as_deref(),
            sound_hash: envelope.sound_hash.as_deref(),
            size_bytes: envelope.size_bytes,
            request,
            generation_id: envelope.generation_id.as_deref(),
            recorded_at: envelope.recorded_at,
            submitted_at: envelope.submitted_at,
            received_at: envelope.received_at,
        }
    }
}
