//! MPEG transport and program streams.
//!
//! - `pes`: times of the packets that both consist of
//! - `transport`: transport streams
//! - `program`: program streams

mod pes;
pub(super) mod program;
pub(super) mod transport;
