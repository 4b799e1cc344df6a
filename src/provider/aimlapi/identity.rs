//! The recording that an answer belongs to, as far as the answer names it.
//!
//! A cache or a mixed-up worker of the service may answer a poll with the result of another generation.

use crate::domain::{GenerationId, one_line};
use std::fmt;

/// Length of a SHA-256 in hexadecimal.
const SHA256_CHARS: usize = 64;

/// Identifiers in an answer. Each may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerIdentity {
    /// Generation ID next to the status.
    pub generation: Option<String>,
    /// SHA-256 of the audio that the result was made from, as the service wrote it.
    pub sha256: Option<String>,
}

/// The part of an [`AnswerIdentity`] that belongs to another recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The answer names this other generation.
    Generation(String),
    /// The result was made from the audio with this other SHA-256.
    Audio(String),
}

impl AnswerIdentity {
    /// Compares the answer to a poll for `generation` with what was submitted. `sha256` is the hash of the audio, if it
    /// is known.
    ///
    /// An identifier that is missing on either side says nothing, nor does text that is not a SHA-256.
    #[must_use]
    pub fn mismatch(&self, generation: &GenerationId, sha256: Option<&str>) -> Option<Mismatch> {
        if let Some(named) = &self.generation
            && named != generation.as_str()
        {
            return Some(Mismatch::Generation(named.clone()));
        }
        let named = self.sha256.as_deref().filter(|hash| is_sha256(hash))?;
        let differs = !named.eq_ignore_ascii_case(sha256?);
        differs.then(|| Mismatch::Audio(named.to_ascii_lowercase()))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation(id) => write!(
                f,
                "the service answered with another generation (`{}`)",
                one_line(id)
            ),
            Self::Audio(sha256) => write!(
                f,
                "the service answered with the transcription of another recording (SHA-256 {sha256})"
            ),
        }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn mismatch(generation: Option<&str>, sha256: Option<&str>) -> Option<Mismatch> {
        let identity = AnswerIdentity {
            generation: generation.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
        };
        identity.mismatch(&GenerationId::new("g-1").unwrap(), Some(OURS))
    }

    #[test]
    fn missing_equal_and_unreadable_identifiers_match() {
        let upper = OURS.to_uppercase();
        for (generation, sha256) in [
            (None, None),
            (Some("g-1"), Some(OURS)),
            (None, Some(&*upper)),
            (None, Some("")),
            (None, Some("unknown")),
        ] {
            assert_eq!(mismatch(generation, sha256), None, "{sha256:?}");
        }
    }

    #[test]
    fn generations_are_compared_exactly() {
        for other in ["G-1", "g-1 ", "g-2", ""] {
            assert_eq!(
                mismatch(Some(other), Some(OURS)),
                Some(Mismatch::Generation(other.to_owned()))
            );
        }
    }

    #[test]
    fn the_hash_of_other_audio_is_a_mismatch() {
        let other = OURS.replace('0', "f");
        let found = mismatch(Some("g-1"), Some(&other));
        assert_eq!(found, Some(Mismatch::Audio(other.clone())));
        let identity = AnswerIdentity {
            generation: None,
            sha256: Some(other),
        };
        let unknown = identity.mismatch(&GenerationId::new("g-1").unwrap(), None);
        assert_eq!(unknown, None);
    }
}
