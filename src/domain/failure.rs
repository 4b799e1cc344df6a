//! Failures of jobs, in classes that an operator or a script can act on.

use std::fmt;
use std::str::FromStr;

/// Class of a failure. Shown in `list`, `show`, JSON and the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The file cannot be read, is empty or is truncated.
    Unreadable,
    /// The content is not audio or video.
    Unsupported,
    /// The service rejected a property or the audio (400, 422).
    Rejected,
    /// The file is larger than the service accepts (413).
    TooLarge,
    /// The API key is missing or invalid (401).
    Auth,
    /// The account is out of credit, or its plan does not cover the request (402, 403).
    Credit,
    /// Too many requests (429).
    RateLimited,
    /// Server error (5xx, 408).
    Server,
    /// The service is unreachable, or the connection broke.
    Network,
    /// The response could not be parsed.
    Protocol,
    /// The service deleted the transcription before it was fetched.
    Expired,
    /// The service failed to transcribe the audio.
    Transcription,
    /// An output file could not be written.
    Output,
    /// Excluded before submission because of its length or its size. Not an error.
    Skipped,
    /// The budget does not allow it. It waits in the queue. Not an error.
    Budget,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 15] = [
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
        Self::Budget,
    ];

    /// Returns the name used in the database, in JSON and on the command line.
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
            Self::Budget => "budget",
        }
    }

    /// Returns advice on how to resolve the failure. Ends with a full stop.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "Make the file readable and complete. It is retried when it changes, or with `nightscribe retry`. `nightscribe retry --as-is ITEM` sends a truncated file as it is."
            }
            Self::Unsupported => {
                "Exclude the file from its source, or convert it to an audio or video format that the service accepts."
            }
            Self::Rejected => {
                "Correct the model or the options of the source as described in the message, then run `nightscribe retry`."
            }
            Self::TooLarge => {
                "Make the file smaller (a lower bit rate or several parts). A changed file is retried."
            }
            Self::Auth => {
                "Check the API key with `nightscribe check`, then run `nightscribe retry`."
            }
            Self::Credit => {
                "Add credit to the account or change its plan, then run `nightscribe retry`."
            }
            Self::RateLimited => {
                "Lower `limits.submits_per_minute` or `limits.polls_per_minute`, then run `nightscribe retry`."
            }
            Self::Server => {
                "The service failed on every attempt. Run `nightscribe retry` once it has recovered."
            }
            Self::Network => {
                "Check the connection to the service with `nightscribe check`, then run `nightscribe retry`."
            }
            Self::Protocol => {
                "This version cannot use the response of the service. `nightscribe export --format json ITEM` writes a stored response to a file. Update nightscribe and export it again; `nightscribe retry` submits the recording again and pays for it again."
            }
            Self::Expired => {
                "The service deleted the transcription before it was fetched. `nightscribe retry` submits the recording again and pays for it again."
            }
            Self::Transcription => {
                "The service could not transcribe the recording. Listen to it, then run `nightscribe retry`."
            }
            Self::Output => {
                "Make the output folder writable and free some disk space. The transcript is stored in the database and is written afterwards."
            }
            Self::Skipped => {
                "Change the limits of the source. The next run then takes it by itself."
            }
            Self::Budget => "Raise or remove the cap. The next run then submits it by itself.",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Error for an unknown class name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown error class `{0}`; expected one of unreadable, unsupported, rejected, too_large, auth, credit, rate_limited, server, network, protocol, expired, transcription, output, skipped, budget"
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

/// Failure of a job: its class and a one-line message without secrets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[error("{class}: {message}")]
pub struct Failure {
    /// Class of the failure.
    pub class: ErrorClass,
    /// Message, as a lowercase fragment.
    pub message: String,
}

impl Failure {
    /// Creates a failure.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }

    /// Returns whether `other` has the same words. Words with digits do not count: they are IDs, times and figures, and differ
    /// each time.
    #[must_use]
    pub fn reads_like(&self, other: &Self) -> bool {
        self.class == other.class && words(&self.message).eq(words(&other.message))
    }
}

fn words(message: &str) -> impl Iterator<Item = &str> {
    let has_digit = |word: &&str| word.bytes().any(|byte| byte.is_ascii_digit());
    message
        .split_whitespace()
        .filter(move |word| !has_digit(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_round_trips_and_has_advice() {
        for class in ErrorClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert!(class.advice().ends_with('.'));
        }
        assert!("oops".parse::<ErrorClass>().is_err());
    }

    #[test]
    fn words_with_digits_do_not_distinguish_failures() {
        let failure = |message| Failure::new(ErrorClass::Transcription, message);
        let first = failure("could not decode audio (request 7f3a-1)");
        assert!(first.reads_like(&failure("could not decode audio (request 99b2-4)")));
        assert!(!first.reads_like(&failure("could not decode video (request 7f3a-1)")));
        let other_class = Failure::new(ErrorClass::Server, first.message.clone());
        assert!(!first.reads_like(&other_class));
    }
}
