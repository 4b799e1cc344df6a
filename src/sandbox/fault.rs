//! What can go wrong, by name.

use crate::domain::nearest::suggestion;
use std::str::FromStr;

/// Something that goes wrong now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`FAULTS` says what each does")]
pub enum Fault {
    Refuse,
    DropBefore,
    DropAfter,
    Slow,
    ErrorJson,
    ErrorHtml,
    Truncate,
    Early404,
    Fail,
    Reject,
    Unauthorized,
    NoCredit,
    RateLimit,
    Empty,
}

/// Every fault with its name and what it does.
pub const FAULTS: [(Fault, &str, &str); 14] = [
    (
        Fault::Refuse,
        "refuse",
        "closes the connection before the recording is read",
    ),
    (
        Fault::DropBefore,
        "drop-before",
        "reads a submission and closes the connection; nothing is accepted",
    ),
    (
        Fault::DropAfter,
        "drop-after",
        "accepts a submission and closes the connection without an answer",
    ),
    (Fault::Slow, "slow", "answers in drips over a second"),
    (
        Fault::ErrorJson,
        "error-json",
        "answers 500 with a JSON body",
    ),
    (
        Fault::ErrorHtml,
        "error-html",
        "answers 502 or 503 with an HTML page; nothing is accepted",
    ),
    (
        Fault::Truncate,
        "truncate",
        "cuts an answer off in its middle",
    ),
    (
        Fault::Early404,
        "early-404",
        "does not know a generation until it is completed",
    ),
    (Fault::Fail, "fail", "the transcription fails"),
    (Fault::Reject, "reject", "refuses a submission with 400"),
    (
        Fault::Unauthorized,
        "unauthorized",
        "refuses the key with 401",
    ),
    (
        Fault::NoCredit,
        "no-credit",
        "refuses a submission with 402 or 403",
    ),
    (
        Fault::RateLimit,
        "rate-limit",
        "answers 429 with Retry-After: 1",
    ),
    (
        Fault::Empty,
        "empty",
        "accepts a submission with an empty body, the ID only in x-inference-id",
    ),
];

/// How often each fault happens: a probability for each call it can happen to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(Vec<(Fault, f64)>);

impl Faults {
    /// With one more, or another probability for one that is there.
    #[must_use]
    pub fn with(mut self, fault: Fault, probability: f64) -> Self {
        self.0.retain(|(other, _)| *other != fault);
        self.0.push((fault, probability));
        self
    }

    /// The probability of a fault.
    #[must_use]
    pub fn probability(&self, fault: Fault) -> f64 {
        self.0
            .iter()
            .find(|(other, _)| *other == fault)
            .map_or(0.0, |(_, probability)| *probability)
    }

    /// Both together; the other's probabilities win.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        other
            .0
            .into_iter()
            .fold(self, |faults, (fault, probability)| {
                faults.with(fault, probability)
            })
    }
}

/// The text is no `NAME=P`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such fault.
    #[error("`{name}` is no fault{suggestion}")]
    Unknown {
        /// As it was given.
        name: String,
        /// `; did you mean …?`, or empty.
        suggestion: String,
    },
    /// No probability.
    #[error("expected NAME=P with a probability from 0 to 1, found `{0}`")]
    Probability(String),
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, probability) = text
            .split_once('=')
            .ok_or_else(|| FaultError::Probability(text.to_owned()))?;
        let Some((fault, ..)) = FAULTS.iter().find(|(_, known, _)| *known == name) else {
            let suggestion = suggestion(name, FAULTS.iter().map(|(_, known, _)| *known));
            return Err(FaultError::Unknown {
                name: name.to_owned(),
                suggestion,
            });
        };
        let probability = probability
            .parse()
            .ok()
            .filter(|probability| (0.0..=1.0).contains(probability));
        let probability = probability.ok_or_else(|| FaultError::Probability(text.to_owned()))?;
        Ok(Self::default().with(*fault, probability))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_by_name_and_probability() {
        for (fault, name, _) in FAULTS {
            let faults: Faults = format!("{name}=0.25").parse().unwrap();
            assert_eq!(faults.probability(fault), 0.25);
        }
        let both = Faults::default()
            .with(Fault::Slow, 1.0)
            .and("slow=0.5".parse().unwrap());
        assert_eq!(both.probability(Fault::Slow), 0.5);
        assert_eq!(both.probability(Fault::Fail), 0.0);
    }

    #[test]
    fn slips_are_refused() {
        let says = |text: &str| text.parse::<Faults>().unwrap_err().to_string();
        assert_eq!(
            says("drop-afer=1"),
            "`drop-afer` is no fault; did you mean `drop-after`?"
        );
        for text in ["slow", "slow=2", "slow=-1", "slow=x", "slow=NaN"] {
            assert_eq!(
                says(text),
                format!("expected NAME=P with a probability from 0 to 1, found `{text}`")
            );
        }
    }
}
