//! Behaviour through the real binary, the real database file and the real HTTP sandbox.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(missing_docs, reason = "tests are named as sentences")]
#![allow(unreachable_pub, reason = "the tests are one program")]

mod budget;
mod cli;
mod client;
#[cfg(feature = "crash-points")]
mod crash_matrix;
mod dependencies;
mod file_names;
mod folder_rules;
mod hooks;
mod hostile;
mod hours;
mod house;
mod house_rules;
mod live;
mod machine;
mod night;
#[cfg(target_os = "linux")]
mod notice;
mod pipeline;
mod plan;
#[cfg(target_os = "linux")]
mod polling;
mod power;
mod promise;
mod sandbox;
mod scale;
mod service;
mod soak;
mod store;
mod tempo;
mod told;
mod vendor_client;
