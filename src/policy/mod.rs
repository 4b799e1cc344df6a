//! Decisions, as functions of facts, settings, `now` and a jitter value. Nothing here does IO, reads a clock or
//! draws a random number, so a whole night can be simulated in a test.
//!
//! - [`admission`]: how many more may be submitted
//! - [`backoff`]: how long to wait after a failure, alone and all together
//! - [`day`]: when a day closes
//! - [`delivery`]: when a message is sent again
//! - [`expectation`]: when an answer is likely, learnt from those that came
//! - [`polling`]: when to ask for a generation again
//! - [`rate`]: how many submissions a minute the service accepts
//! - [`verdict`]: what becomes of a job after a failure

pub mod admission;
pub mod backoff;
pub mod day;
pub mod delivery;
pub mod expectation;
pub mod lookup;
pub mod polling;
pub mod rate;
pub mod verdict;
