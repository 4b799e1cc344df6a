//! Output of `transcribe`: the text or JSON on standard output, messages on standard error.

use crate::app::transcribe::delivery::{TranscribeOutcome, Transcribed};
use crate::app::transcribe::inputs::RefusedInput;
use crate::cli::args::{GlobalArgs, TranscribeArgs};
use crate::cli::display::terminal::{print_line, print_result, print_warning};
use crate::cli::exit::CommandError;
use crate::cli::json::to_json_line;
use crate::cli::terminal::{escape_control_chars, pluralize, print_error, printable_path};
use crate::domain::readable_path::readable_path;
use crate::store::sqlite::items::Item;
use serde::Serialize;

/// Prints outcomes.
pub(super) struct Printer {
    has_json: bool,
    is_quiet: bool,
    /// Whether the text is printed.
    is_single: bool,
    writes_files: bool,
}

/// JSON form of an outcome. Fields may be added, but never removed or renamed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct NamedOutcome {
    /// The path or URL.
    name: String,
    #[serde(flatten)]
    outcome: TranscribeOutcome,
}

impl Printer {
    /// Creates the printer of a call, which may be for a single file or URL.
    pub(super) fn new(args: &TranscribeArgs, global: &GlobalArgs, is_single: bool) -> Self {
        let asks_for_files = args.output_dir.is_some() || !args.formats.is_empty();
        Self {
            has_json: args.json,
            is_quiet: global.quiet,
            is_single,
            // With `--json`, the text is in the object.
            writes_files: asks_for_files || !is_single && !args.json,
        }
    }

    /// Whether transcripts are written to files.
    pub(super) const fn writes_files(&self) -> bool {
        self.writes_files
    }

    /// Reports what is not transcribed.
    pub(super) fn refused(&self, refused: &[RefusedInput]) -> Result<(), CommandError> {
        for RefusedInput { name, reason } in refused {
            print_error(&format!(
                "{}: {}",
                printable_path(name),
                escape_control_chars(reason)
            ));
            let reason = reason.clone();
            self.json(readable_path(name), TranscribeOutcome::Refused { reason })?;
        }
        Ok(())
    }

    /// Prints what became of an item.
    pub(super) fn outcome(
        &self,
        item: &Item,
        outcome: TranscribeOutcome,
    ) -> Result<(), CommandError> {
        match &outcome {
            TranscribeOutcome::Done(transcribed) => {
                self.report_files(transcribed);
                if self.is_single && !self.has_json {
                    print_result(&transcribed.text)?;
                }
            }
            // The display of the run has reported other failures.
            TranscribeOutcome::Failed { error, .. } if item.error.is_none() => {
                let name = escape_control_chars(&item.location.readable());
                print_error(&format!("{name}: {}", escape_control_chars(&error.message)));
            }
            TranscribeOutcome::Failed { .. }
            | TranscribeOutcome::Waiting { .. }
            | TranscribeOutcome::Refused { .. } => {}
        }
        self.json(item.location.readable(), outcome)
    }

    fn report_files(&self, transcribed: &Transcribed) {
        for file in &transcribed.kept {
            print_warning(&format!(
                "kept {}: it was edited; the new transcript is {}",
                printable_path(&file.path),
                printable_path(&file.new)
            ));
        }
        if !self.is_quiet {
            for file in &transcribed.files {
                print_line(&format!("wrote {}", printable_path(file)));
            }
        }
    }

    fn json(&self, name: String, outcome: TranscribeOutcome) -> Result<(), CommandError> {
        if !self.has_json {
            return Ok(());
        }
        let line = to_json_line(&NamedOutcome { name, outcome })?;
        Ok(print_result(&format!("{line}\n"))?)
    }

    /// Reports the number of recordings without a transcript.
    pub(super) fn left(&self, count: usize) {
        let recordings = pluralize(count as u64, "recording has", "recordings have");
        print_warning(&format!(
            "{recordings} no transcript; the same command tries again, and pays for nothing twice"
        ));
    }
}
