//! What is said, as data and as JSON. Fields are only ever added.

use crate::domain::{Failure, Hold, JobId, Timestamp};
use serde::Serialize;

/// Failures that a message names; the rest are counted.
pub const MOST_FAILURES: usize = 20;
/// Of this whole form.
const VERSION: u32 = 1;

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run has ended, or a day.
    Summary,
    /// Nothing goes on without a person.
    Attention,
}

/// A message.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    version: u32,
    /// Why it is sent.
    pub kind: Kind,
    /// The same in every channel and every try.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// What it tells of.
    pub run: Span,
    /// Recordings that became transcripts.
    pub done: u64,
    /// Recordings that failed.
    pub failed: u64,
    /// The first of those, at most [`MOST_FAILURES`].
    pub failures: Vec<Failed>,
    /// The holds in force.
    pub holds: Vec<Held>,
    /// Seconds of audio in the transcripts; not said where something needs a person.
    pub audio_s: Option<f64>,
    /// What the transcripts cost; nothing where a price is not known.
    pub cost: Option<Cost>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// How much.
    pub amount: f64,
    /// Of what, as `USD`.
    pub currency: String,
}

/// The run, and the time that a message tells of.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Span {
    /// The run that wrote it.
    pub id: i64,
    /// From here: the end of the last summary's time.
    pub since: Timestamp,
    /// To here.
    pub until: Timestamp,
}

/// A recording that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The item's ID.
    pub id: JobId,
    /// The absolute path or the URL.
    pub path: String,
    /// The error's class.
    pub class: &'static str,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub advice: &'static str,
}

impl Failed {
    /// The recording at `path` failed.
    #[must_use]
    pub fn new(id: JobId, path: String, failure: Failure) -> Self {
        Self {
            id,
            path,
            class: failure.class.as_str(),
            message: failure.message,
            advice: failure.class.advice(),
        }
    }
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its cause.
    pub kind: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// What happened.
    pub message: String,
    /// How it ends.
    pub advice: &'static str,
}

impl From<&Hold> for Held {
    fn from(hold: &Hold) -> Self {
        Self {
            kind: hold.kind.as_str(),
            since: hold.since,
            message: hold.message.clone(),
            advice: hold.kind.advice(),
        }
    }
}

/// What ended in some time.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Recordings that became transcripts.
    pub done: u64,
    /// Recordings that failed.
    pub failed: u64,
    /// The first of those.
    pub failures: Vec<Failed>,
    /// Seconds of audio in the transcripts.
    pub audio_s: f64,
    /// What they cost, where all prices are known.
    pub cost: Option<Cost>,
}

impl Message {
    /// A summary; `None` where there is nothing to tell.
    #[must_use]
    pub fn summary(
        id: String,
        at: Timestamp,
        run: Span,
        ended: Ended,
        holds: &[Hold],
    ) -> Option<Self> {
        if ended.done == 0 && ended.failed == 0 && holds.is_empty() {
            return None;
        }
        Some(Self {
            version: VERSION,
            kind: Kind::Summary,
            id,
            at,
            run,
            done: ended.done,
            failed: ended.failed,
            failures: ended.failures,
            holds: holds.iter().map(Held::from).collect(),
            audio_s: Some(ended.audio_s),
            cost: ended.cost,
        })
    }

    /// `hold` has begun, which a person must see to; so much is `done` and `failed` in the run so far.
    #[must_use]
    pub fn attention(
        id: String,
        at: Timestamp,
        run: Span,
        [done, failed]: [u64; 2],
        hold: &Hold,
    ) -> Self {
        Self {
            version: VERSION,
            kind: Kind::Attention,
            id,
            at,
            run,
            done,
            failed,
            failures: Vec::new(),
            holds: vec![Held::from(hold)],
            audio_s: None,
            cost: None,
        }
    }

    /// The message as programs get it. The same message is always the same bytes.
    #[must_use]
    pub fn json(&self) -> String {
        // Texts and numbers only: nothing in it can refuse.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::domain::{ErrorClass, HoldKind};

    pub(in crate::notify) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis((1_795_230_245 + seconds) * 1000)
    }

    pub(in crate::notify) fn span() -> Span {
        Span {
            id: 5,
            since: at(-28_800),
            until: at(0),
        }
    }

    pub(in crate::notify) fn hold() -> Hold {
        let message = "the account has no credit left".to_owned();
        Hold::new(HoldKind::Credit, at(-60), message)
    }

    pub(in crate::notify) fn ended(done: u64, failed: u64) -> Ended {
        let failure = |number: u64| {
            let class = [ErrorClass::Unreadable, ErrorClass::Rejected][number as usize % 2];
            let failure = Failure::new(class, format!("reason {number}"));
            let path = format!("/rec/{number} \u{1b}[2J.mp3");
            Failed::new(JobId(number as i64 + 1), path, failure)
        };
        Ended {
            done,
            failed,
            failures: (0..failed).map(failure).take(MOST_FAILURES).collect(),
            audio_s: done as f64 * 1800.0,
            cost: Some(Cost {
                amount: done as f64 * 0.25,
                currency: "USD".to_owned(),
            }),
        }
    }

    pub(in crate::notify) fn summary(done: u64, failed: u64, holds: &[Hold]) -> Message {
        let id = "0a1b".to_owned();
        Message::summary(id, at(0), span(), ended(done, failed), holds).unwrap()
    }

    pub(in crate::notify) fn attention() -> Message {
        Message::attention("0a1b".to_owned(), at(0), span(), [3, 1], &hold())
    }
}

#[cfg(test)]
mod tests {
    use super::samples::*;
    use super::*;

    #[test]
    fn a_summary_as_json() {
        let json: serde_json::Value =
            serde_json::from_str(&summary(41, 2, &[hold()]).json()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn what_needs_a_person_as_json() {
        let json: serde_json::Value = serde_json::from_str(&attention().json()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn where_there_is_nothing_to_tell_there_is_no_summary() {
        let told = |ended, holds: &[Hold]| {
            Message::summary(String::new(), at(0), span(), ended, holds).is_some()
        };
        assert!(!told(Ended::default(), &[]));
        assert!(told(ended(1, 0), &[]));
        assert!(told(ended(0, 1), &[]));
        assert!(told(Ended::default(), &[hold()]));
    }
}
