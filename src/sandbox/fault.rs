//! What can go wrong, by name.

use crate::domain::nearest::nearest;
use rand::Rng;
use rand::rngs::StdRng;
use std::str::FromStr;

/// Every fault that can be asked for: its name, and what it does.
pub const FAULTS: [(&str, &str); 15] = [
    ("refuse", "closes the connection before the request is read"),
    (
        "drop-before",
        "reads a submission and cuts the connection; nothing is accepted",
    ),
    (
        "drop-after",
        "accepts a submission and cuts the connection without an answer",
    ),
    ("slow", "gives the answer in drips, for about a second"),
    ("error-json", "answers 500 with a JSON body"),
    ("error-html", "answers 502 or 503 with an HTML page"),
    ("truncate", "cuts the connection in the middle of an answer"),
    (
        "early-404",
        "answers a poll with 404 while the generation is not completed",
    ),
    (
        "fail",
        "ends a generation with an error, which costs nothing",
    ),
    ("reject", "refuses a submission with 400"),
    ("unauthorized", "refuses the key with 401"),
    ("no-credit", "refuses a submission with 402 or 403"),
    ("rate-limit", "answers 429 with Retry-After: 1"),
    (
        "empty",
        "accepts a submission without a body; the ID is only in x-inference-id",
    ),
    ("no-logs", "has no list of requests: 404 for GET /v2/logs"),
];

/// One kind of fault, in the order of [`FAULTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
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

    /// Whether a submission or poll can meet it. `Fail` belongs to a generation, `NoLogs` to another call.
    fn concerns(self, call: Call) -> bool {
        match self {
            Self::Fail | Self::NoLogs => false,
            Self::DropBefore | Self::DropAfter | Self::Reject | Self::NoCredit | Self::Empty => {
                call == Call::Submit
            }
            Self::Early404 => call == Call::Poll,
            _ => true,
        }
    }
}

/// The kinds of calls that faults and limits tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Submit,
    Poll,
}

/// A fault that happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mishap {
    pub(super) fault: Fault,
    /// Which of two forms, where a fault has two.
    pub(super) second_form: bool,
}

/// How often each fault happens: a probability for every call that it concerns. The default is never.
///
/// Read one from `NAME=P`, collect several; the last one for a name counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults([Option<f64>; FAULTS.len()]);

/// The text is no `NAME=P`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// There is no fault of that name.
    #[error("`{name}` is no fault{}", .nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// As it was given.
        name: String,
        /// The name that was probably meant.
        nearest: Option<&'static str>,
    },
    /// There is no probability.
    #[error("expected `NAME=P` with a probability from 0 to 1, found `{0}`")]
    Probability(String),
}

impl Faults {
    /// What happens to a call: the first fault, in the order of [`FAULTS`], whose draw hits.
    pub(super) fn draw(&self, call: Call, rng: &mut StdRng) -> Option<Mishap> {
        let fault = Fault::ALL
            .into_iter()
            .find(|fault| fault.concerns(call) && self.happens(*fault, rng))?;
        Some(Mishap {
            fault,
            second_form: rng.random(),
        })
    }

    /// Whether a new generation is to fail.
    pub(super) fn draw_failure(&self, rng: &mut StdRng) -> bool {
        self.happens(Fault::Fail, rng)
    }

    /// Whether there is no list of requests this time.
    pub(super) fn draw_no_logs(&self, rng: &mut StdRng) -> bool {
        self.happens(Fault::NoLogs, rng)
    }

    fn happens(&self, fault: Fault, rng: &mut StdRng) -> bool {
        self.0[fault as usize].is_some_and(|probability| rng.random::<f64>() < probability)
    }
}

impl FromStr for Faults {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let no_probability = || InvalidFault::Probability(text.to_owned());
        let (name, probability) = text.split_once('=').ok_or_else(no_probability)?;
        let index = FAULTS
            .iter()
            .position(|(known, _)| *known == name)
            .ok_or_else(|| InvalidFault::Unknown {
                name: name.to_owned(),
                nearest: nearest(name, FAULTS.iter().map(|(known, _)| *known)),
            })?;
        let probability = probability
            .parse()
            .ok()
            .filter(|probability| (0.0..=1.0).contains(probability))
            .ok_or_else(no_probability)?;
        let mut faults = Self::default();
        faults.0[index] = Some(probability);
        Ok(faults)
    }
}

impl FromIterator<Faults> for Faults {
    fn from_iter<I: IntoIterator<Item = Faults>>(all: I) -> Self {
        let mut together = Self::default();
        for faults in all {
            for (old, new) in together.0.iter_mut().zip(faults.0) {
                *old = new.or(*old);
            }
        }
        together
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
    fn every_fault_is_read_by_its_name_and_meets_a_call_it_concerns() {
        for (fault, (name, about)) in Fault::ALL.into_iter().zip(FAULTS) {
            let faults = faults(&[&format!("{name}=1")]);
            for call in [Call::Submit, Call::Poll] {
                let met = faults.draw(call, &mut rng()).map(|mishap| mishap.fault);
                assert_eq!(met, fault.concerns(call).then_some(fault), "{name}");
            }
            assert_eq!(faults.draw_failure(&mut rng()), name == "fail");
            assert!(!about.is_empty() && !about.ends_with('.'));
        }
    }

    #[test]
    fn the_last_probability_of_a_name_counts_and_others_stay() {
        let both = faults(&["slow=1", "empty=0.5", "slow=0"]);
        assert_eq!(both, faults(&["slow=0", "empty=0.5"]));
        assert_eq!(both.draw(Call::Poll, &mut rng()), None);
    }

    #[test]
    fn a_fault_happens_as_often_as_its_probability_says() {
        let (faults, mut rng) = (faults(&["slow=0.25"]), rng());
        let hits = (0..10_000)
            .filter(|_| faults.draw(Call::Poll, &mut rng).is_some())
            .count();
        assert_eq!(hits, 2_557, "another count than the seed gives");
    }

    #[test]
    fn the_same_seed_gives_the_same_mishaps() {
        let faults = faults(&["error-html=0.3", "slow=0.3"]);
        let run = || {
            let mut rng = rng();
            (0..100)
                .map(|_| faults.draw(Call::Submit, &mut rng))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn slips_are_refused_with_the_nearest_name() {
        let says = |text: &str| text.parse::<Faults>().unwrap_err().to_string();
        assert_eq!(
            says("drop-afer=1"),
            "`drop-afer` is no fault; did you mean `drop-after`?"
        );
        assert_eq!(says("zzz=1"), "`zzz` is no fault");
        for text in [
            "slow", "slow=", "slow=1.1", "slow=-1", "slow=NaN", "slow=x", "",
        ] {
            assert_eq!(
                says(text),
                format!("expected `NAME=P` with a probability from 0 to 1, found `{text}`")
            );
        }
    }
}
