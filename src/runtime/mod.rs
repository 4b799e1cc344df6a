//! Services that every module may use, without knowledge of recordings.
//!
//! - [`clock`]: the only module that reads the time
//! - [`host`]: name of this machine
//! - [`rate_limiter`]: token bucket for requests
//! - [`http_client`]: settings shared by all HTTP clients
//! - [`proxy`]: proxies of the environment that cannot be used
//! - [`subprocess`]: programs run without a shell and within a time limit
//! - `blocking`: blocking work on a few threads
//! - `large_jobs`: one thread that runs big jobs one after the other
//! - `failpoint`: places where a test kills the process

pub(crate) mod blocking;
pub mod clock;
pub(crate) mod failpoint;
pub mod host;
pub mod http_client;
pub(crate) mod large_jobs;
pub mod proxy;
pub mod rate_limiter;
pub mod subprocess;
