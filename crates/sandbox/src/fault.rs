//! Faults that the sandbox injects, by name.

use rand::Rng;
use rand::rngs::StdRng;
use std::str::FromStr;

/// Minimum similarity of a suggestion to the name that was given, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.6;

/// Names and descriptions of all faults.
pub const FAULTS: [(&str, &str); 16] = [
    ("refuse", "closes the connection before the request is read"),
    (
        "drop-before",
        "reads a submission and cuts the connection; nothing is accepted",
    ),
    (
        "drop-after",
        "accepts a submission and cuts the connection without a response",
    ),
    (
        "slow",
        "sends the response in small chunks for about a second",
    ),
    ("error-json", "answers 500 with a JSON body"),
    ("error-html", "answers 502 or 503 with an HTML page"),
    (
        "firewall",
        "answers 403 or 407 with the HTML page of a firewall or proxy",
    ),
    (
        "truncate",
        "cuts the connection in the middle of a response",
    ),
    (
        "early-404",
        "answers a poll with 404 while the generation is not completed",
    ),
    ("fail", "ends a generation with an error, free of charge"),
    ("reject", "rejects a submission with 400"),
    ("unauthorized", "rejects the key with 401"),
    ("no-credit", "rejects a submission with 402 or 403"),
    ("rate-limit", "answers 429 with Retry-After: 1"),
    (
        "empty",
        "accepts a submission with an empty response; the ID is only in x-inference-id",
    ),
    ("no-logs", "answers GET /v2/logs with 404"),
];

/// Kind of fault, in the order of [`FAULTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Refuse,
    DropBefore,
    DropAfter,
    Slow,
    ErrorJson,
    ErrorHtml,
    Firewall,
    Truncate,
    Early404,
    Fail,
    Reject,
    Unauthorized,
    NoCredit,
    RateLimit,
    Empty,
    NoLogs,
}

impl Fault {
    const ALL: [Self; FAULTS.len()] = [
        Self::Refuse,
        Self::DropBefore,
        Self::DropAfter,
        Self::Slow,
        Self::ErrorJson,
        Self::ErrorHtml,
        Self::Firewall,
        Self::Truncate,
        Self::Early404,
        Self::Fail,
        Self::Reject,
        Self::Unauthorized,
        Self::NoCredit,
        Self::RateLimit,
        Self::Empty,
        Self::NoLogs,
    ];

    /// Whether the fault applies to a submission or a poll. `Fail` applies to a generation, `NoLogs` to another call.
    fn applies_to(self, call: Endpoint) -> bool {
        match self {
            Self::Fail | Self::NoLogs => false,
            Self::DropBefore | Self::DropAfter | Self::Reject | Self::NoCredit | Self::Empty => {
                call == Endpoint::Submit
            }
            Self::Early404 => call == Endpoint::Poll,
            _ => true,
        }
    }
}

/// Kind of call that has its own faults and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Submit,
    Poll,
}

/// Fault injected into one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InjectedFault {
    pub(crate) fault: Fault,
    /// Whether to use the second form of a fault that has two.
    pub(crate) second_form: bool,
}

/// Probability of each fault, per call to which it applies. The default is 0.
///
/// One fault is parsed from `NAME=P`. Several are collected, and the last one of a name wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults([Option<f64>; FAULTS.len()]);

/// Error for a text other than `NAME=P`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// There is no fault with this name.
    #[error("unknown fault `{name}`{}", .nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// Name that was given.
        name: String,
        /// Name of a similar fault.
        nearest: Option<&'static str>,
    },
    /// The probability is missing or not between 0 and 1.
    #[error("expected `NAME=P` with a probability from 0 to 1, found `{0}`")]
    Probability(String),
}

impl Faults {
    /// Draws the fault of a call: the first one that happens, in the order of [`FAULTS`].
    pub(crate) fn draw(&self, call: Endpoint, rng: &mut StdRng) -> Option<InjectedFault> {
        let fault = Fault::ALL
            .into_iter()
            .find(|fault| fault.applies_to(call) && self.happens(*fault, rng))?;
        Some(InjectedFault {
            fault,
            second_form: rng.random(),
        })
    }

    /// Draws whether a new generation fails.
    pub(crate) fn draw_failure(&self, rng: &mut StdRng) -> bool {
        self.happens(Fault::Fail, rng)
    }

    /// Draws whether the list of requests is missing for this call.
    pub(crate) fn draw_no_logs(&self, rng: &mut StdRng) -> bool {
        self.happens(Fault::NoLogs, rng)
    }

    fn happens(&self, fault: Fault, rng: &mut StdRng) -> bool {
        self.0[fault as usize].is_some_and(|probability| rng.random::<f64>() < probability)
    }
}

impl FromStr for Faults {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let invalid_probability = || InvalidFault::Probability(text.to_owned());
        let (name, probability) = text.split_once('=').ok_or_else(invalid_probability)?;
        let index = FAULTS
            .iter()
            .position(|(known, _)| *known == name)
            .ok_or_else(|| InvalidFault::Unknown {
                name: name.to_owned(),
                nearest: most_similar(name),
            })?;
        let probability = probability
            .parse()
            .ok()
            .filter(|probability| (0.0..=1.0).contains(probability))
            .ok_or_else(invalid_probability)?;
        let mut faults = Self::default();
        faults.0[index] = Some(probability);
        Ok(faults)
    }
}

/// Returns the fault whose name is most similar, or `None` if none is similar enough.
fn most_similar(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    FAULTS
        .iter()
        .map(|(known, _)| (strsim::normalized_damerau_levenshtein(&name, known), *known))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

impl FromIterator<Faults> for Faults {
    fn from_iter<I: IntoIterator<Item = Faults>>(all: I) -> Self {
        let mut merged = Self::default();
        for faults in all {
            for (old, new) in merged.0.iter_mut().zip(faults.0) {
                *old = new.or(*old);
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn faults(texts: &[&str]) -> Faults {
        texts
            .iter()
            .map(|text| text.parse::<Faults>().unwrap())
            .collect()
    }

    fn rng() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    #[test]
    fn every_fault_is_parsed_and_drawn() {
        for (fault, (name, about)) in Fault::ALL.into_iter().zip(FAULTS) {
            let faults = faults(&[&format!("{name}=1")]);
            for call in [Endpoint::Submit, Endpoint::Poll] {
                let drawn = faults.draw(call, &mut rng()).map(|injected| injected.fault);
                assert_eq!(drawn, fault.applies_to(call).then_some(fault), "{name}");
            }
            assert_eq!(faults.draw_failure(&mut rng()), name == "fail");
            assert!(!about.is_empty() && !about.ends_with('.'));
        }
    }

    #[test]
    fn the_last_probability_of_a_name_wins() {
        let both = faults(&["slow=1", "empty=0.5", "slow=0"]);
        assert_eq!(both, faults(&["slow=0", "empty=0.5"]));
        assert_eq!(both.draw(Endpoint::Poll, &mut rng()), None);
    }

    #[test]
    fn faults_happen_with_their_probability() {
        let (faults, mut rng) = (faults(&["slow=0.25"]), rng());
        let hits = (0..10_000)
            .filter(|_| faults.draw(Endpoint::Poll, &mut rng).is_some())
            .count();
        assert_eq!(hits, 2_557, "the count for this seed has changed");
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let faults = faults(&["error-html=0.3", "slow=0.3"]);
        let run = || {
            let mut rng = rng();
            (0..100)
                .map(|_| faults.draw(Endpoint::Submit, &mut rng))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn misspelled_names_get_a_suggestion() {
        let error = |text: &str| text.parse::<Faults>().unwrap_err().to_string();
        assert_eq!(
            error("drop-afer=1"),
            "unknown fault `drop-afer`; did you mean `drop-after`?"
        );
        assert_eq!(error("zzz=1"), "unknown fault `zzz`");
        for text in [
            "slow", "slow=", "slow=1.1", "slow=-1", "slow=NaN", "slow=x", "",
        ] {
            assert_eq!(
                error(text),
                format!("expected `NAME=P` with a probability from 0 to 1, found `{text}`")
            );
        }
    }
}
