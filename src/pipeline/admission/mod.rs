//! Admission control: decides when a request may be sent.
//!
//! Submissions are subject to the configured hours, holds, the shared back-off and the limit on pending generations.
//! Polls are subject only to the back-off.
//!
//! - `state`: the decision, a pure function
//! - `control`: the state that all stages share, with permits for submissions; `models`: those of single models

mod control;
mod models;
mod state;

pub use control::{Admission, Permit};
pub use models::ModelPermit;
pub use state::{AdmissionDecision, AdmissionState};
