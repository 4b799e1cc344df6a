//! Settings of the sandbox.

use crate::fault::Faults;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Settings of the sandbox.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Listening address. Port 0 selects a free port.
    pub listen: SocketAddr,
    /// Time from the creation of a generation to its completion.
    pub delay: Duration,
    /// Retention of a transcription, from its creation.
    pub retention: Duration,
    /// Faults and their probabilities.
    pub faults: Faults,
    /// Maximum number of submissions in any minute. Further ones are rejected with 429.
    pub submits_per_minute: Option<u32>,
    /// Maximum number of polls in any minute. Further ones are rejected with 429.
    pub polls_per_minute: Option<u32>,
    /// Length of a minute for these two limits. Tests shorten it.
    pub minute: Duration,
    /// The only accepted key. `None` accepts any key that is not empty.
    pub key: Option<String>,
    /// Withdrawn models. Submissions for them are answered with 404, and the list of deprecations names them.
    pub withdrawn_models: Vec<String>,
    /// Models under maintenance. Submissions for them are answered with 500.
    pub failing_models: Vec<String>,
    /// Whether the key is a management key, which may not read the account's ledger.
    pub management_key: bool,
    /// Seed of generation IDs and faults.
    pub seed: u64,
}

impl Default for Settings {
    /// Listens on a free loopback port, with a delay of two seconds and the documented retention of one hour. There are
    /// no faults and no limits.
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
            withdrawn_models: Vec::new(),
            failing_models: Vec::new(),
            management_key: false,
            seed: 0,
        }
    }
}

/// State of the account behind every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountState {
    /// The key is accepted, and there is credit.
    #[default]
    Open,
    /// Every key is rejected with 401.
    KeyRefused,
    /// Submissions are rejected with 403. Polls work.
    NoCredit,
}
