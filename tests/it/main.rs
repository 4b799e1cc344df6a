//! Behaviour through the real binary, the real database file and the real HTTP sandbox.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(missing_docs, reason = "tests are named as sentences")]

mod sandbox;
mod vendor_client;
