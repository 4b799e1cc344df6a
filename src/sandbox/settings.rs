//! What the sandbox is told.

use super::fault::Faults;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// From the creation of a generation to its completion.
    pub delay: Duration,
    /// How long a transcription is kept, from its creation.
    pub retention: Duration,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// Submissions beyond so many in any 60 seconds are refused with 429.
    pub submits_per_minute: Option<u32>,
    /// Polls beyond so many in any 60 seconds are refused with 429.
    pub polls_per_minute: Option<u32>,
    /// What those two limits take for a minute, so that a test need not last one.
    pub minute: Duration,
    /// The one key that is taken; without it, any that is not empty.
    pub key: Option<String>,
    /// Decides generation IDs and when faults happen.
    pub seed: u64,
}

impl Default for Settings {
    /// A free loopback port, two seconds to a transcript, the documented hour of retention, no faults, no limits.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            delay: Duration::from_secs(2),
            retention: Duration::from_secs(3600),
            faults: Faults::default(),
            submits_per_minute: None,
            polls_per_minute: None,
            minute: Duration::from_secs(60),
            key: None,
            seed: 0,
        }
    }
}

/// The account behind every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Account {
    /// As it should be.
    #[default]
    Open,
    /// Every key is refused with 401.
    KeyRefused,
    /// Submissions are refused with 403; polls are answered.
    NoCredit,
}
