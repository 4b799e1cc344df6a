//! What the sandbox is told.

use super::fault::Faults;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// From a submission to its transcript.
    pub delay: Duration,
    /// How long a transcript is kept, from its submission.
    pub retention: Duration,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// More submissions than this in any minute are refused with 429.
    pub submits_per_minute: Option<u32>,
    /// More polls than this in any minute are refused with 429.
    pub polls_per_minute: Option<u32>,
    /// The one key that is taken; without it, any is.
    pub key: Option<String>,
    /// Decides generation IDs and faults.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            delay: Duration::from_secs(2),
            retention: Duration::from_secs(3600),
            faults: Faults::default(),
            submits_per_minute: None,
            polls_per_minute: None,
            key: None,
            seed: 0,
        }
    }
}

/// What the account is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Account {
    /// As it should be.
    #[default]
    Open,
    /// Every key is refused.
    KeyRefused,
    /// There is no credit left: submissions are refused, polls are not.
    NoCredit,
}
