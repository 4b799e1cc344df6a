//! Meaning of an answer of the service for its job. This is the only place that decides it.
//!
//! Submit, poll and recover each do *call → decide → apply*: they classify what came back as an [`Answer`], describe the
//! job as [`Facts`], and apply the [`Effect`]. The simulated night in the tests calls the same function.
//!
//! - `answer`: answers and calls
//! - `decide`: facts, settings and the decision
//! - `effect`: holds and changes of a job

mod answer;
mod decide;
mod effect;

pub use answer::{Answer, Call, EarlierAnswers, Poll};
pub use decide::{Facts, Rules, decide};
pub use effect::{AttemptOutcome, Effect, JobChange, Reason};

#[cfg(test)]
mod tests;
