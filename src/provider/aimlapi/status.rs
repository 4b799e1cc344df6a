//! Status words of the service.

use crate::domain::one_line;

/// Meaning of the field `status`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum JobStatus {
    /// The job is still running.
    InProgress,
    /// The job succeeded.
    Success,
    /// The job failed.
    Failure,
    /// A word that this version does not know, for the log.
    Unknown(String),
    /// No status.
    #[default]
    Absent,
}

impl JobStatus {
    /// Returns the meaning of a word, in any case and with white space around it.
    pub(crate) fn of(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "waiting" | "active" | "queued" | "generating" | "processing" | "pending"
            | "running" | "in_progress" => Self::InProgress,
            "completed" | "succeeded" | "success" | "done" | "finished" => Self::Success,
            "error" | "failed" | "cancelled" | "canceled" | "timeout" | "expired" => Self::Failure,
            "" => Self::Absent,
            _ => Self::Unknown(one_line(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_any_case() {
        for (words, status) in [
            (
                "waiting active queued generating processing pending running in_progress",
                JobStatus::InProgress,
            ),
            (
                "completed succeeded success done finished",
                JobStatus::Success,
            ),
            (
                "error failed cancelled canceled timeout expired",
                JobStatus::Failure,
            ),
        ] {
            for word in words.split(' ') {
                assert_eq!(JobStatus::of(word), status);
                assert_eq!(JobStatus::of(&format!(" {} ", word.to_uppercase())), status);
            }
        }
        assert_eq!(JobStatus::of(" "), JobStatus::Absent);
        assert_eq!(JobStatus::of("Odd"), JobStatus::Unknown("Odd".to_owned()));
    }
}
