//! Behaviour through the real binary, the real database file and the real HTTP sandbox.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(missing_docs, reason = "tests are named as sentences")]
#![allow(unreachable_pub, reason = "the tests are one program")]

mod cli;
mod client;
#[cfg(feature = "crash-points")]
mod crash_matrix;
mod dependencies;
mod hooks;
mod hostile;
mod house;
mod house_rules;
mod machine;
mod night;
mod pipeline;
#[cfg(target_os = "linux")]
mod polling;
mod power;
mod promise;
mod sandbox;
mod scale;
mod soak;
mod store;
mod tempo;
mod told;
mod vendor_client;
