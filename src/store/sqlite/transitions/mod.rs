//! Transitions of a claimed job, up to its output files. Each names the state that it expects.
//!
//! - `acceptance`: `submitting` → `pending`
//! - `completion`: `submitting` or `pending` → `received`
//! - `failed_attempt`: `submitting` or `pending` → `queued` or `failed`
//! - `written`: `received` → `done`, or another attempt to write

mod acceptance;
mod completion;
mod failed_attempt;
mod written;

pub use acceptance::Acceptance;
pub use completion::Completion;
pub use failed_attempt::{FailedAttempt, NextState};
