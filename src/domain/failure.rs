//! What went wrong with a job, in classes that a person or a script can act on.

use std::fmt;
use std::str::FromStr;

/// The kind of a failure. Shown in `list`, `show`, JSON and the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The file could not be read, is empty or is cut short.
    Unreadable,
    /// The content is no audio or video.
    Unsupported,
    /// The service refused a property or the audio (400, 422).
    Rejected,
    /// The file is larger than the service takes (413).
    TooLarge,
    /// The key is missing or wrong (401).
    Auth,
    /// The account is out of credit or the plan does not cover it (402, 403).
    Credit,
    /// Too many requests (429).
    RateLimited,
    /// The service failed (5xx, 408).
    Server,
    /// The service could not be reached, or the connection broke.
    Network,
    /// The answer could not be understood.
    Protocol,
    /// The service no longer had the transcription when it was asked for.
    Expired,
    /// The service gave up on the audio.
    Transcription,
    /// A transcript could not be written.
    Output,
    /// It was left out before it was submitted: by its length, its size, or the budget. Nothing has failed.
    Skipped,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 14] = [
        Self::Unreadable,
        Self::Unsupported,
        Self::Rejected,
        Self::TooLarge,
        Self::Auth,
        Self::Credit,
        Self::RateLimited,
        Self::Server,
        Self::Network,
        Self::Protocol,
        Self::Expired,
        Self::Transcription,
        Self::Output,
        Self::Skipped,
    ];

    /// The name used in the database, in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Unsupported => "unsupported",
            Self::Rejected => "rejected",
            Self::TooLarge => "too_large",
            Self::Auth => "auth",
            Self::Credit => "credit",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Network => "network",
            Self::Protocol => "protocol",
            Self::Expired => "expired",
            Self::Transcription => "transcription",
            Self::Output => "output",
            Self::Skipped => "skipped",
        }
    }

    /// One sentence that says what to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "Make the file readable and whole; it is taken again when it changes, or by `nightscribe retry`."
            }
            Self::Unsupported => {
                "Exclude it from its source, or convert it to an audio or video format that the service takes."
            }
            Self::Rejected => {
                "Correct the model or options of its source as the message says, then `nightscribe retry`."
            }
            Self::TooLarge => {
                "Make the file smaller (a lower bit rate or several parts); a changed file is taken again."
            }
            Self::Auth => "Check the API key (`nightscribe check`), then `nightscribe retry`.",
            Self::Credit => {
                "Add credit to the account or change its plan, then `nightscribe retry`."
            }
            Self::RateLimited => {
                "Lower `limits.submits_per_minute` or `limits.polls_per_minute`, then `nightscribe retry`."
            }
            Self::Server => {
                "The service failed each time; `nightscribe retry` when it is well again."
            }
            Self::Network => {
                "Check the connection to the service (`nightscribe check`), then `nightscribe retry`."
            }
            Self::Protocol => {
                "The service answered in a way this version does not know; look for a newer nightscribe, then `nightscribe retry`."
            }
            Self::Expired => {
                "The transcription was gone before it could be fetched; `nightscribe retry` submits, and pays, again."
            }
            Self::Transcription => {
                "The service could not transcribe it; listen to the recording, then `nightscribe retry`."
            }
            Self::Output => {
                "Make the output folder writable with room in it; the transcript is safe in the database and is written then."
            }
            Self::Skipped => {
                "Change the limits of its source or the budget, then `nightscribe retry --error skipped`."
            }
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no error class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no error class; the classes are unreadable, unsupported, rejected, too_large, auth, credit, rate_limited, server, network, protocol, expired, transcription, output, skipped"
)]
pub struct UnknownErrorClass(String);

impl FromStr for ErrorClass {
    type Err = UnknownErrorClass;

    fn from_str(text: &str) -> Result<Self, UnknownErrorClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownErrorClass(text.to_owned()))
    }
}

/// A failure as it is kept with a job: its class, and what happened in one line without secrets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{class}: {message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// What happened, as a lowercase fragment.
    pub message: String,
}

impl Failure {
    /// A failure of `class`.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_back_from_its_name_and_says_what_to_do() {
        for class in ErrorClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert!(class.advice().ends_with('.'));
        }
        assert!("oops".parse::<ErrorClass>().is_err());
    }
}
