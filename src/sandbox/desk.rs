//! What the server knows: who may ask, what is in work, what was paid.

use super::fault::{Fault, Faults};
use super::generation::{Generation, Status, status};
use super::ledger::{Ledger, Row};
use super::settings::{Account, Settings};
use super::submission::Submission;
use super::transcript;
use super::window::Window;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Characters of a generation ID, as the service's later ones have them.
const ID_CHARACTERS: &[u8; 64] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";
const ID_LENGTH: usize = 21;

/// Which limit a call counts under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Submit,
    Poll,
}

/// Why a call is refused before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) message: &'static str,
    pub(super) retry_after: Option<u64>,
}

/// What a poll finds.
pub(super) enum Polled {
    Missing,
    InProgress(&'static str),
    Failed,
    Completed(Value),
}

pub(super) struct Desk {
    settings: Settings,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    faults: Faults,
    account: Account,
    random: StdRng,
    generations: HashMap<String, Generation>,
    /// IDs in the order of their expiry.
    kept: VecDeque<String>,
    submits: Window,
    polls: Window,
    ledger: Ledger,
}

impl Desk {
    pub(super) fn new(settings: Settings) -> Self {
        let state = State {
            faults: settings.faults.clone(),
            account: Account::Open,
            random: StdRng::seed_from_u64(settings.seed),
            generations: HashMap::new(),
            kept: VecDeque::new(),
            submits: Window::default(),
            polls: Window::default(),
            ledger: Ledger::default(),
        };
        Self {
            settings,
            started: Instant::now(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn delay(&self) -> Duration {
        self.settings.delay
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    pub(super) fn set_account(&self, account: Account) {
        self.state().account = account;
    }

    pub(super) fn ledger(&self) -> Ledger {
        let state = self.state();
        Ledger {
            peak_submits: state.submits.peak,
            peak_polls: state.polls.peak,
            ..state.ledger.clone()
        }
    }

    /// Whether a fault happens this time.
    pub(super) fn draws(&self, fault: Fault) -> bool {
        let state = &mut *self.state();
        let probability = state.faults.probability(fault);
        probability > 0.0 && state.random.random_bool(probability)
    }

    /// An identifier for a request or a generation.
    pub(super) fn new_id(&self) -> String {
        new_id(&mut self.state().random)
    }

    /// Whether the call may be made at all: the key, the account, the limit.
    pub(super) fn admit(&self, call: Call, key: Option<&str>) -> Result<(), Refused> {
        let now = self.started.elapsed();
        let refused = self.refusal(call, key, now);
        if let Some(refused) = &refused {
            let state = &mut *self.state();
            if call == Call::Submit {
                *state.ledger.refused.entry(refused.status).or_default() += 1;
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn refusal(&self, call: Call, key: Option<&str>, now: Duration) -> Option<Refused> {
        let refuse = |status, message| {
            Some(Refused {
                status,
                message,
                retry_after: None,
            })
        };
        let account = self.state().account;
        let wrong = self
            .settings
            .key
            .as_deref()
            .is_some_and(|wanted| key != Some(wanted));
        if key.is_none_or(str::is_empty)
            || wrong
            || account == Account::KeyRefused
            || self.draws(Fault::Unauthorized)
        {
            return refuse(401, "Unauthorized: the API key is missing or invalid");
        }
        if call == Call::Submit && (account == Account::NoCredit || self.draws(Fault::NoCredit)) {
            let status = if self.state().random.random() {
                402
            } else {
                403
            };
            return refuse(status, "Insufficient credit: top up the balance");
        }
        let limited = self
            .draws(Fault::RateLimit)
            .then_some(Duration::from_secs(1));
        let wait = limited.or_else(|| self.enter(call, now).err())?;
        self.state().ledger.over_limit += 1;
        let retry_after = Some(wait.as_secs_f64().ceil() as u64);
        Some(Refused {
            status: 429,
            message: "Too many requests",
            retry_after,
        })
    }

    fn enter(&self, call: Call, now: Duration) -> Result<(), Duration> {
        let state = &mut *self.state();
        match call {
            Call::Submit => state.submits.enter(now, self.settings.submits_per_minute),
            Call::Poll => state.polls.enter(now, self.settings.polls_per_minute),
        }
    }

    /// A submission was read but is refused.
    pub(super) fn refused(&self, status: u16) {
        *self.state().ledger.refused.entry(status).or_default() += 1;
    }

    /// Takes a submission, which from here on is paid for, unless it fails.
    pub(super) fn accept(
        &self,
        submission: Submission,
        client_request_id: Option<String>,
    ) -> String {
        let fails = self.draws(Fault::Fail);
        let created = self.started.elapsed();
        let state = &mut *self.state();
        state.forget(created, self.settings.retention);
        let id = new_id(&mut state.random);
        let row = state.ledger.generations.len();
        state.ledger.generations.push(Row {
            id: id.clone(),
            client_request_id,
            model: submission.model.clone(),
            name: submission.name.clone(),
            bytes: submission.bytes,
            sha256: submission.sha256.clone(),
            duration_s: submission.duration_s,
            created_s: created.as_secs_f64(),
            polls: 0,
            fetched: false,
            failed: fails,
        });
        state.kept.push_back(id.clone());
        state.generations.insert(
            id.clone(),
            Generation {
                submission,
                created,
                row,
                fails,
            },
        );
        id
    }

    /// Looks a generation up.
    pub(super) fn poll(&self, id: &str) -> Polled {
        let hidden = self.draws(Fault::Early404);
        let now = self.started.elapsed();
        let submission = {
            let state = &mut *self.state();
            state.forget(now, self.settings.retention);
            let Some(generation) = state.generations.get(id) else {
                state.ledger.missing += 1;
                return Polled::Missing;
            };
            let status = status(
                now.saturating_sub(generation.created),
                self.settings.delay,
                self.settings.retention,
            );
            if hidden && status != Status::Ended {
                state.ledger.missing += 1;
                return Polled::Missing;
            }
            state.ledger.polls += 1;
            let row = &mut state.ledger.generations[generation.row];
            row.polls += 1;
            match status {
                Status::Waiting => return Polled::InProgress("waiting"),
                Status::Active => return Polled::InProgress("active"),
                Status::Expired => return Polled::Missing,
                Status::Ended if generation.fails => return Polled::Failed,
                Status::Ended => {
                    row.fetched = true;
                    generation.submission.clone()
                }
            }
        };
        Polled::Completed(transcript::result(&submission))
    }
}

impl State {
    fn forget(&mut self, now: Duration, retention: Duration) {
        while let Some(oldest) = self.kept.front() {
            match self.generations.get(oldest) {
                Some(generation) if now.saturating_sub(generation.created) < retention => return,
                _ => {
                    self.generations.remove(oldest);
                    self.kept.pop_front();
                }
            }
        }
    }
}

fn new_id(random: &mut StdRng) -> String {
    (0..ID_LENGTH)
        .map(|_| char::from(ID_CHARACTERS[random.random_range(0..ID_CHARACTERS.len())]))
        .collect()
}
