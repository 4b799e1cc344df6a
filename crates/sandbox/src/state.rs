//! State of the sandbox and its changes by each call. It reads no clock and does no IO.

use crate::fault::{Endpoint, Fault, Faults, InjectedFault};
use crate::generation::{Generation, GenerationStatus, new_id};
use crate::ledger::{GenerationOutcome, Ledger, LedgerEntry};
use crate::settings::{AccountState, Settings};
use crate::sliding_window::SlidingWindow;
use crate::submission::{ReceivedSubmission, Rejection};
use crate::timestamp::Timestamp;
use axum::http::StatusCode;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Mutable state of the sandbox.
#[derive(Debug)]
pub(crate) struct SandboxState {
    settings: Settings,
    pub(crate) faults: Faults,
    pub(crate) account: AccountState,
    fault_rng: StdRng,
    id_rng: StdRng,
    generations: HashMap<String, Generation>,
    /// IDs in order of creation, which is also the order of expiry.
    creation_order: VecDeque<String>,
    submits: SlidingWindow,
    polls: SlidingWindow,
    ledger: Ledger,
}

/// Denied call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The key or the account was rejected.
    Rejected(Rejection),
    /// The rate limit was exceeded. Contains the wait until the next call is admitted.
    OverLimit(Duration),
}

/// Result of a poll.
#[derive(Debug, PartialEq)]
pub(crate) enum GenerationLookup {
    Missing,
    Waiting,
    Active,
    Failed,
    Completed(Arc<ReceivedSubmission>),
}

/// ID and outcome of a new generation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewGeneration {
    pub(crate) id: String,
    pub(crate) fails: bool,
}

impl SandboxState {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            faults: settings.faults.clone(),
            account: AccountState::Open,
            fault_rng: StdRng::seed_from_u64(settings.seed),
            id_rng: StdRng::seed_from_u64(!settings.seed),
            generations: HashMap::new(),
            creation_order: VecDeque::new(),
            submits: SlidingWindow::new(settings.minute),
            polls: SlidingWindow::new(settings.minute),
            ledger: Ledger::default(),
            settings,
        }
    }

    /// Admits a call, and draws the fault to inject, if any. The caller injects it.
    ///
    /// # Errors
    /// Returns an error if the key, the account or the rate limit does not allow the call.
    pub(crate) fn admit(
        &mut self,
        call: Endpoint,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<InjectedFault>, Denied> {
        self.remove_expired(now);
        if call == Endpoint::Poll {
            self.ledger.polls += 1;
        }
        let injected = self.faults.draw(call, &mut self.fault_rng);
        if injected.is_some_and(|injected| injected.fault == Fault::Refuse) {
            return Ok(injected);
        }
        self.check_account(call, key).map_err(Denied::Rejected)?;
        let (window, limit) = match call {
            Endpoint::Submit => (&mut self.submits, self.settings.submits_per_minute),
            Endpoint::Poll => (&mut self.polls, self.settings.polls_per_minute),
        };
        if let Err(wait) = window.enter(now, limit) {
            self.ledger.over_limit += 1;
            return Err(Denied::OverLimit(wait));
        }
        Ok(injected)
    }

    /// Replaces the only accepted key.
    pub(crate) fn set_key(&mut self, key: &str) {
        self.settings.key = Some(key.to_owned());
    }

    /// Checks the key.
    ///
    /// # Errors
    /// Returns 401 if the key is missing, wrong or rejected for this account.
    pub(crate) fn check_key(&self, key: Option<&str>) -> Result<(), Rejection> {
        let known = match (key, &self.settings.key) {
            (None | Some(""), _) => false,
            (Some(key), Some(only)) => key == only,
            (Some(_), None) => true,
        };
        if known && self.account != AccountState::KeyRefused {
            return Ok(());
        }
        Err(Rejection::new(
            StatusCode::UNAUTHORIZED,
            "the API key is missing or not valid",
        ))
    }

    fn check_account(&self, call: Endpoint, key: Option<&str>) -> Result<(), Rejection> {
        self.check_key(key)?;
        if call == Endpoint::Submit && self.account == AccountState::NoCredit {
            let message = "the account has run out of credit";
            return Err(Rejection::new(StatusCode::FORBIDDEN, message));
        }
        Ok(())
    }

    /// Creates a generation for a submission.
    pub(crate) fn accept(
        &mut self,
        submission: ReceivedSubmission,
        client_request_id: Option<String>,
        now: Timestamp,
    ) -> NewGeneration {
        let fails = self.faults.draw_failure(&mut self.fault_rng);
        let id = new_id(&mut self.id_rng);
        self.ledger.accepted += 1;
        self.ledger.paid += u64::from(!fails);
        self.ledger.generations.push(LedgerEntry {
            id: id.clone(),
            client_request_id,
            model: submission.model.clone(),
            name: submission.name.clone(),
            bytes: submission.bytes,
            sha256: submission.sha256,
            duration_s: submission.duration_s,
            created_ms: now.millis(),
            polls: 0,
            fetched: false,
            outcome: if fails {
                GenerationOutcome::Failed
            } else {
                GenerationOutcome::Transcribed
            },
        });
        let generation = Generation {
            submission: Arc::new(submission),
            created: now,
            fails,
            row: self.ledger.generations.len() - 1,
        };
        self.generations.insert(id.clone(), generation);
        self.creation_order.push_back(id.clone());
        NewGeneration { id, fails }
    }

    /// Rejects a submission for a model that is withdrawn or under maintenance.
    pub(crate) fn check_model(&self, model: &str) -> Result<(), Rejection> {
        let is_listed = |models: &[String]| models.iter().any(|listed| listed == model);
        if is_listed(&self.settings.withdrawn_models) {
            let message = format!("Model {model} not found");
            return Err(Rejection::new(StatusCode::NOT_FOUND, message));
        }
        if is_listed(&self.settings.failing_models) {
            let message = format!("Model {model} is under maintenance");
            return Err(Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        Ok(())
    }

    /// Whether the key may not read the account's ledger.
    pub(crate) const fn is_management_key(&self) -> bool {
        self.settings.management_key
    }

    /// Returns the withdrawn models.
    pub(crate) fn withdrawn_models(&self) -> &[String] {
        &self.settings.withdrawn_models
    }

    /// Draws whether the list of requests is missing for this call.
    pub(crate) fn has_no_logs(&mut self) -> bool {
        self.faults.draw_no_logs(&mut self.fault_rng)
    }

    /// Returns the submissions accepted from `start` to `end`, newest first.
    pub(crate) fn logs(&self, start: Timestamp, end: Timestamp) -> Vec<&LedgerEntry> {
        let within = |row: &&LedgerEntry| (start.millis()..=end.millis()).contains(&row.created_ms);
        self.ledger
            .generations
            .iter()
            .rev()
            .filter(within)
            .collect()
    }

    /// Counts a poll and returns its result. `injected` is the fault injected into the response.
    pub(crate) fn poll(
        &mut self,
        id: &str,
        injected: Option<Fault>,
        now: Timestamp,
    ) -> GenerationLookup {
        let found = self.find(id, injected, now);
        if found == GenerationLookup::Missing {
            self.ledger.missing += 1;
        } else if let Some(generation) = self.generations.get(id) {
            let row = &mut self.ledger.generations[generation.row];
            row.polls += 1;
            row.fetched |= matches!(found, GenerationLookup::Completed(_))
                && injected != Some(Fault::Truncate);
        }
        found
    }

    fn find(&self, id: &str, injected: Option<Fault>, now: Timestamp) -> GenerationLookup {
        let Some(generation) = self.generations.get(id) else {
            return GenerationLookup::Missing;
        };
        let status = generation.status_at(now, self.settings.delay, self.settings.retention);
        let hidden = injected == Some(Fault::Early404);
        match status {
            GenerationStatus::Expired => GenerationLookup::Missing,
            GenerationStatus::Waiting | GenerationStatus::Active if hidden => {
                GenerationLookup::Missing
            }
            GenerationStatus::Waiting => GenerationLookup::Waiting,
            GenerationStatus::Active => GenerationLookup::Active,
            GenerationStatus::Failed => GenerationLookup::Failed,
            GenerationStatus::Completed => {
                GenerationLookup::Completed(Arc::clone(&generation.submission))
            }
        }
    }

    /// Records that the legacy call returned the complete transcript.
    pub(crate) fn mark_fetched(&mut self, id: &str) {
        if let Some(generation) = self.generations.get(id) {
            self.ledger.generations[generation.row].fetched = true;
        }
    }

    /// Counts a submission with an error response.
    pub(crate) fn count_rejected(&mut self, status: StatusCode) {
        *self.ledger.refused.entry(status.as_u16()).or_default() += 1;
    }

    /// Counts a submission whose connection was cut before acceptance.
    pub(crate) fn count_cut(&mut self) {
        self.ledger.cut += 1;
    }

    /// Returns a snapshot of the ledger.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger {
            peak_submits_per_minute: self.submits.peak,
            peak_polls_per_minute: self.polls.peak,
            ..self.ledger.clone()
        }
    }

    /// Removes expired generations. Memory then holds only those of one retention period.
    fn remove_expired(&mut self, now: Timestamp) {
        while let Some(id) = self.creation_order.front() {
            let expired = self
                .generations
                .get(id)
                .is_none_or(|generation| now.since(generation.created) >= self.settings.retention);
            if !expired {
                break;
            }
            self.generations.remove(id);
            self.creation_order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn state(change: impl FnOnce(&mut Settings)) -> SandboxState {
        let mut settings = Settings {
            delay: Duration::from_secs(8),
            retention: Duration::from_secs(100),
            ..Settings::default()
        };
        change(&mut settings);
        SandboxState::new(settings)
    }

    fn accept(state: &mut SandboxState, now: Timestamp) -> String {
        state
            .accept(ReceivedSubmission::example("a.mp3"), None, now)
            .id
    }

    fn status(denied: Denied) -> u16 {
        match denied {
            Denied::Rejected(rejection) => rejection.status.as_u16(),
            Denied::OverLimit(_) => 429,
        }
    }

    #[test]
    fn transcripts_expire_after_the_retention() {
        let mut state = state(|_| {});
        let id = accept(&mut state, at(0));
        assert_eq!(state.poll(&id, None, at(1)), GenerationLookup::Waiting);
        assert_eq!(state.poll(&id, None, at(3)), GenerationLookup::Active);
        assert!(matches!(
            state.poll(&id, None, at(99)),
            GenerationLookup::Completed(_)
        ));
        assert_eq!(state.poll(&id, None, at(100)), GenerationLookup::Missing);
        assert_eq!(state.admit(Endpoint::Poll, Some("k"), at(100)), Ok(None));
        assert!(state.generations.is_empty() && state.creation_order.is_empty());
        let ledger = state.ledger();
        assert_eq!(
            (
                ledger.generations[0].polls,
                ledger.generations[0].fetched,
                ledger.missing
            ),
            (3, true, 1)
        );
    }

    #[test]
    fn failed_generations_are_free() {
        let mut state = state(|settings| settings.faults = "fail=1".parse().unwrap());
        let id = accept(&mut state, at(0));
        assert_eq!(state.poll(&id, None, at(7)), GenerationLookup::Active);
        assert_eq!(state.poll(&id, None, at(8)), GenerationLookup::Failed);
        let ledger = state.ledger();
        assert_eq!((ledger.accepted, ledger.paid), (1, 0));
        assert_eq!(ledger.generations[0].outcome, GenerationOutcome::Failed);
        assert!(!ledger.generations[0].fetched);
    }

    #[test]
    fn an_early_404_ends_with_the_delay() {
        let mut state = state(|_| {});
        let id = accept(&mut state, at(0));
        assert_eq!(
            state.poll(&id, Some(Fault::Early404), at(7)),
            GenerationLookup::Missing
        );
        assert!(matches!(
            state.poll(&id, Some(Fault::Early404), at(8)),
            GenerationLookup::Completed(_)
        ));
    }

    #[test]
    fn a_truncated_transcript_is_not_fetched() {
        let mut state = state(|_| {});
        let id = accept(&mut state, at(0));
        state.poll(&id, Some(Fault::Truncate), at(8));
        assert!(!state.ledger().generations[0].fetched);
        state.poll(&id, Some(Fault::Slow), at(9));
        assert!(state.ledger().generations[0].fetched);
    }

    #[test]
    fn key_and_account_decide_admission() {
        let mut state = state(|settings| settings.key = Some("right".to_owned()));
        let mut admit_as = |account, call, key| {
            state.account = account;
            state.admit(call, key, at(0)).map_err(status)
        };
        for call in [Endpoint::Submit, Endpoint::Poll] {
            assert_eq!(admit_as(AccountState::Open, call, Some("right")), Ok(None));
            assert_eq!(
                admit_as(AccountState::KeyRefused, call, Some("right")),
                Err(401)
            );
            for key in [None, Some(""), Some("wrong")] {
                assert_eq!(admit_as(AccountState::Open, call, key), Err(401));
            }
        }
        assert_eq!(
            admit_as(AccountState::NoCredit, Endpoint::Submit, Some("right")),
            Err(403)
        );
        assert_eq!(
            admit_as(AccountState::NoCredit, Endpoint::Poll, Some("right")),
            Ok(None)
        );
    }

    #[test]
    fn each_kind_of_call_has_its_limit() {
        let mut state = state(|settings| {
            settings.submits_per_minute = Some(1);
            settings.polls_per_minute = Some(2);
        });
        for call in [Endpoint::Submit, Endpoint::Poll, Endpoint::Poll] {
            assert_eq!(state.admit(call, Some("k"), at(0)), Ok(None));
        }
        for call in [Endpoint::Submit, Endpoint::Poll] {
            let wait = Duration::from_secs(59);
            assert_eq!(
                state.admit(call, Some("k"), at(1)),
                Err(Denied::OverLimit(wait))
            );
            assert_eq!(state.admit(call, Some("k"), at(60)), Ok(None));
        }
        let ledger = state.ledger();
        assert_eq!((ledger.over_limit, ledger.polls), (2, 4));
        assert_eq!(
            (ledger.peak_submits_per_minute, ledger.peak_polls_per_minute),
            (1, 2)
        );
    }

    #[test]
    fn memory_holds_only_one_retention_period() {
        let mut state = state(|_| {});
        for second in 0..1000 {
            assert_eq!(
                state.admit(Endpoint::Submit, Some("k"), at(second)),
                Ok(None)
            );
            accept(&mut state, at(second));
            assert!(state.generations.len() <= 101);
        }
        assert_eq!(state.ledger().generations.len(), 1000);
    }
}
