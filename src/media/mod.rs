//! Finding recordings and looking at them, never changing them.
//!
//! - [`walk`](mod@walk): the recordings below a folder
//! - [`fingerprint`]: what tells whether a file is still the same
//! - [`inspect`]: a look into a file before anything is paid for it
//! - `sniff`: what a file seems to be that is no recording
//! - `whole`: whether a recording was cut short
//! - [`duration`]: its length, from its container

pub mod duration;
pub mod fingerprint;
pub mod inspect;
mod sniff;
pub mod walk;
mod whole;
