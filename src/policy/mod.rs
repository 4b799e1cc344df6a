//! Decisions as pure functions of facts, settings, the current time and a jitter value. This module does no I/O, reads no
//! clock and draws no random numbers, so that tests can simulate a whole night.
//!
//! - [`outcome`]: meaning of every answer of the service for its job
//! - [`admission`]: admission control by generations in flight
//! - [`backoff`]: back-off after failures, for one job and for all requests
//! - [`bounds`]: exclusion of recordings by length and size
//! - [`breaker`]: circuit breaker for each model
//! - [`budget`]: budget per run, day and month
//! - [`day`]: days in local time, and the period of a daily summary
//! - [`delivery`]: retries of notification messages
//! - [`forecast`]: time when all recordings will be submitted
//! - [`time_left`](mod@time_left): time left of a run, by a [`power_law`] of the sizes of recordings
//! - [`hours`]: active hours of submissions
//! - [`latency`]: latency of the service, estimated from earlier results with [`interval_quantile`]
//! - [`looks_paid`]: whether recordings look as if they were paid for before
//! - [`lookup_schedule`]: schedule of look-ups for an uncertain submission
//! - [`losses`]: paid transcriptions that do not come back
//! - [`polling`]: schedule of polls
//! - [`rate_estimate`]: estimate of the submit rate that the service accepts
//! - [`rescan`]: schedule of rescans of a source
//! - [`result_warnings`]: warnings about a finished transcript; [`quality`]: figures by which it is judged

pub mod admission;
pub mod backoff;
pub mod bounds;
pub mod breaker;
pub mod budget;
pub mod day;
pub mod delivery;
pub mod forecast;
pub mod hours;
pub mod interval_quantile;
pub mod latency;
pub mod looks_paid;
pub mod lookup_schedule;
pub mod losses;
pub mod outcome;
pub mod polling;
pub mod power_law;
pub mod quality;
pub mod rate_estimate;
pub mod rescan;
pub mod result_warnings;
pub mod time_left;
