//! Form field of the file, by model. The service corrects a wrong one with its refusal.

use crate::provider::aimlapi::form::file_field;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Words that, together with the name of a field, mean that the field is wrong.
const WRONG_FIELD: [&str; 14] = [
    "empty",
    "exist",
    "expected",
    "field",
    "fields",
    "form",
    "missing",
    "multipart",
    "parameter",
    "part",
    "property",
    "required",
    "unexpected",
    "unknown",
];

/// Fields of the models that were corrected in this run.
#[derive(Default)]
pub(crate) struct FileFields(Mutex<HashMap<String, Correction>>);

#[derive(Clone, Copy)]
enum Correction {
    /// This field, after the default one was refused.
    Other(&'static str),
    /// The default one, because the service refuses both.
    Default,
}

impl FileFields {
    /// Returns the field of a model.
    pub(crate) fn of(&self, model: &str) -> &'static str {
        match self.corrections().get(model) {
            Some(Correction::Other(field)) => field,
            Some(Correction::Default) | None => file_field(model),
        }
    }

    /// Returns whether a submission that was refused with `message` is to be sent again in the field that
    /// [`of`](Self::of) now returns. For each model, the other field is tried once in a run.
    pub(crate) fn correct(&self, model: &str, refused: &'static str, message: &str) -> bool {
        if !names_field(message) {
            return false;
        }
        let mut corrections = self.corrections();
        match corrections.get(model) {
            None => {
                let other = if refused == "audio" { "file" } else { "audio" };
                corrections.insert(model.to_owned(), Correction::Other(other));
                true
            }
            Some(Correction::Other(field)) if *field != refused => true,
            Some(Correction::Other(_)) => {
                corrections.insert(model.to_owned(), Correction::Default);
                false
            }
            Some(Correction::Default) => false,
        }
    }

    fn corrections(&self) -> MutexGuard<'_, HashMap<String, Correction>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a refusal is about the form field of the file. A wrong guess costs one upload and is never charged.
fn names_field(message: &str) -> bool {
    let message = message.to_lowercase();
    let mut words = message.split(|char: char| !char.is_alphanumeric());
    let has = |wanted: &[&str]| words.clone().any(|word| wanted.contains(&word));
    has(&["audio", "file"]) && words.any(|word| WRONG_FIELD.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "#g1_whisper-large";

    #[test]
    fn the_other_field_is_tried_once_and_remembered() {
        let fields = FileFields::default();
        assert_eq!(fields.of(MODEL), "audio");
        assert!(fields.correct(MODEL, "audio", "file is required"));
        assert_eq!(fields.of(MODEL), "file");
        assert!(
            fields.correct(MODEL, "audio", "file is required"),
            "an upload that began before the correction"
        );
        assert_eq!(fields.of("other"), "audio");
        assert!(!fields.correct(MODEL, "file", "Unexpected field: file"));
        assert_eq!(fields.of(MODEL), "audio");
        assert!(!fields.correct(MODEL, "audio", "file is required"));
    }

    #[test]
    fn only_messages_about_a_field_name_one() {
        for message in [
            "Unexpected field - audio",
            "'file' is a required property",
            "property audio should not exist",
            "Missing required parameter: 'file'.",
            "file should not be empty",
        ] {
            assert!(names_field(message), "{message}");
        }
        for message in [
            "could not decode the audio",
            "the file is longer than 1400 seconds",
            "language: unknown value",
            "",
        ] {
            assert!(!names_field(message), "{message}");
        }
    }
}
