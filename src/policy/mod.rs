//! Decisions, as functions of facts, settings, `now` and a jitter value. Nothing here does IO, reads a clock or
//! draws a random number, so a whole night can be simulated in a test.
//!
//! - [`admission`]: how many more may be submitted
//! - [`backoff`]: how long to wait after a failure, alone and all together
//! - [`bounds`]: which recordings are left out by length and size
//! - [`budget`]: how much may be submitted in a run, a day, a month
//! - [`day`]: days of the clock on the wall, and when one closes
//! - [`delivery`]: when a message is sent again
//! - [`expectation`]: when an answer is likely, learnt from those that came
//! - [`forecast`]: when everything will have been submitted
//! - [`hours`]: when submissions may leave at all
//! - [`lookup`]: how often a lost answer is looked for
//! - [`noticing`]: when to look through a source again
//! - [`polling`]: when to ask for a generation again
//! - [`rate`]: how many submissions a minute the service accepts
//! - [`turnbull`]: the median of times that are known only to lie between two polls
//! - [`verdict`]: what becomes of a job after a failure

pub mod admission;
pub mod backoff;
pub mod bounds;
pub mod budget;
pub mod day;
pub mod delivery;
pub mod expectation;
pub mod forecast;
pub mod hours;
pub mod lookup;
pub mod noticing;
pub mod polling;
pub mod rate;
pub mod turnbull;
pub mod verdict;
