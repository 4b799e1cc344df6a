//! State of the sandbox and its changes by each call. It reads no clock and does no IO.

use super::fault::{Call, Fault, Faults, Mishap};
use super::generation::{Generation, Status, new_id};
use super::ledger::{Ledger, Outcome, Row};
use super::settings::{Account, Settings};
use super::submission::{Refusal, Submission};
use super::window::Window;
use crate::domain::time::Timestamp;
use axum::http::StatusCode;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Mutable state of the sandbox.
#[derive(Debug)]
pub(super) struct Book {
    settings: Settings,
    pub(super) faults: Faults,
    pub(super) account: Account,
    fault_rng: StdRng,
    id_rng: StdRng,
    generations: HashMap<String, Generation>,
    /// IDs in order of creation, which is also the order of expiry.
    creation_order: VecDeque<String>,
    submits: Window,
    polls: Window,
    ledger: Ledger,
}

/// Denied call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// The key or the account was rejected.
    Refused(Refusal),
    /// The rate limit was exceeded. Contains the wait until the next call is admitted.
    OverLimit(Duration),
}

/// Result of a poll.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Missing,
    Waiting,
    Active,
    Failed,
    Completed(Arc<Submission>),
}

/// ID and outcome of a new generation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) fails: bool,
}

impl Book {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            faults: settings.faults.clone(),
            account: Account::Open,
            fault_rng: StdRng::seed_from_u64(settings.seed),
            id_rng: StdRng::seed_from_u64(!settings.seed),
            generations: HashMap::new(),
            creation_order: VecDeque::new(),
            submits: Window::new(settings.minute),
            polls: Window::new(settings.minute),
            ledger: Ledger::default(),
            settings,
        }
    }

    /// Admits a call, and draws the fault to inject, if any. The caller injects it.
    ///
    /// # Errors
    /// Returns an error if the key, the account or the rate limit does not allow the call.
    pub(super) fn admit(
        &mut self,
        call: Call,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Mishap>, Turned> {
        self.remove_expired(now);
        if call == Call::Poll {
            self.ledger.polls += 1;
        }
        let mishap = self.faults.draw(call, &mut self.fault_rng);
        if mishap.is_some_and(|mishap| mishap.fault == Fault::Refuse) {
            return Ok(mishap);
        }
        self.check_account(call, key).map_err(Turned::Refused)?;
        let (window, limit) = match call {
            Call::Submit => (&mut self.submits, self.settings.submits_per_minute),
            Call::Poll => (&mut self.polls, self.settings.polls_per_minute),
        };
        if let Err(wait) = window.enter(now, limit) {
            self.ledger.over_limit += 1;
            return Err(Turned::OverLimit(wait));
        }
        Ok(mishap)
    }

    /// Checks the key.
    ///
    /// # Errors
    /// Returns 401 if the key is missing, wrong or rejected for this account.
    pub(super) fn check_key(&self, key: Option<&str>) -> Result<(), Refusal> {
        let known = match (key, &self.settings.key) {
            (None | Some(""), _) => false,
            (Some(key), Some(only)) => key == only,
            (Some(_), None) => true,
        };
        if known && self.account != Account::KeyRefused {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the API key is missing or not valid",
        ))
    }

    fn check_account(&self, call: Call, key: Option<&str>) -> Result<(), Refusal> {
        self.check_key(key)?;
        if call == Call::Submit && self.account == Account::NoCredit {
            let message = "the account has run out of credit";
            return Err(Refusal::new(StatusCode::FORBIDDEN, message));
        }
        Ok(())
    }

    /// Creates a generation for a submission.
    pub(super) fn accept(
        &mut self,
        submission: Submission,
        client_request_id: Option<String>,
        now: Timestamp,
    ) -> Accepted {
        let fails = self.faults.draw_failure(&mut self.fault_rng);
        let id = new_id(&mut self.id_rng);
        self.ledger.accepted += 1;
        self.ledger.paid += u64::from(!fails);
        self.ledger.generations.push(Row {
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
                Outcome::Failed
            } else {
                Outcome::Transcribed
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
        Accepted { id, fails }
    }

    /// Draws whether the list of requests is missing for this call.
    pub(super) fn has_no_logs(&mut self) -> bool {
        self.faults.draw_no_logs(&mut self.fault_rng)
    }

    /// Returns the submissions accepted from `start` to `end`, newest first.
    pub(super) fn logs(&self, start: Timestamp, end: Timestamp) -> Vec<&Row> {
        let within = |row: &&Row| (start.millis()..=end.millis()).contains(&row.created_ms);
        self.ledger
            .generations
            .iter()
            .rev()
            .filter(within)
            .collect()
    }

    /// Counts a poll and returns its result. `mishap` is the fault injected into the response.
    pub(super) fn poll(&mut self, id: &str, mishap: Option<Fault>, now: Timestamp) -> Found {
        let found = self.find(id, mishap, now);
        if found == Found::Missing {
            self.ledger.missing += 1;
        } else if let Some(generation) = self.generations.get(id) {
            let row = &mut self.ledger.generations[generation.row];
            row.polls += 1;
            row.fetched |= matches!(found, Found::Completed(_)) && mishap != Some(Fault::Truncate);
        }
        found
    }

    fn find(&self, id: &str, mishap: Option<Fault>, now: Timestamp) -> Found {
        let Some(generation) = self.generations.get(id) else {
            return Found::Missing;
        };
        let status = generation.status_at(now, self.settings.delay, self.settings.retention);
        let hidden = mishap == Some(Fault::Early404);
        match status {
            Status::Expired => Found::Missing,
            Status::Waiting | Status::Active if hidden => Found::Missing,
            Status::Waiting => Found::Waiting,
            Status::Active => Found::Active,
            Status::Failed => Found::Failed,
            Status::Completed => Found::Completed(Arc::clone(&generation.submission)),
        }
    }

    /// Records that the legacy call returned the complete transcript.
    pub(super) fn fetched(&mut self, id: &str) {
        if let Some(generation) = self.generations.get(id) {
            self.ledger.generations[generation.row].fetched = true;
        }
    }

    /// Counts a submission with an error response.
    pub(super) fn refused(&mut self, status: StatusCode) {
        *self.ledger.refused.entry(status.as_u16()).or_default() += 1;
    }

    /// Counts a submission whose connection was cut before acceptance.
    pub(super) fn cut(&mut self) {
        self.ledger.cut += 1;
    }

    /// Returns a snapshot of the ledger.
    pub(super) fn ledger(&self) -> Ledger {
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

    fn book(change: impl FnOnce(&mut Settings)) -> Book {
        let mut settings = Settings {
            delay: Duration::from_secs(8),
            retention: Duration::from_secs(100),
            ..Settings::default()
        };
        change(&mut settings);
        Book::new(settings)
    }

    fn accept(book: &mut Book, now: Timestamp) -> String {
        book.accept(Submission::example("a.mp3"), None, now).id
    }

    fn status(denied: Turned) -> u16 {
        match denied {
            Turned::Refused(refusal) => refusal.status.as_u16(),
            Turned::OverLimit(_) => 429,
        }
    }

    #[test]
    fn transcripts_expire_after_the_retention() {
        let mut book = book(|_| {});
        let id = accept(&mut book, at(0));
        assert_eq!(book.poll(&id, None, at(1)), Found::Waiting);
        assert_eq!(book.poll(&id, None, at(3)), Found::Active);
        assert!(matches!(book.poll(&id, None, at(99)), Found::Completed(_)));
        assert_eq!(book.poll(&id, None, at(100)), Found::Missing);
        assert_eq!(book.admit(Call::Poll, Some("k"), at(100)), Ok(None));
        assert!(book.generations.is_empty() && book.creation_order.is_empty());
        let ledger = book.ledger();
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
        let mut book = book(|settings| settings.faults = "fail=1".parse().unwrap());
        let id = accept(&mut book, at(0));
        assert_eq!(book.poll(&id, None, at(7)), Found::Active);
        assert_eq!(book.poll(&id, None, at(8)), Found::Failed);
        let ledger = book.ledger();
        assert_eq!((ledger.accepted, ledger.paid), (1, 0));
        assert_eq!(ledger.generations[0].outcome, Outcome::Failed);
        assert!(!ledger.generations[0].fetched);
    }

    #[test]
    fn an_early_404_ends_with_the_delay() {
        let mut book = book(|_| {});
        let id = accept(&mut book, at(0));
        assert_eq!(book.poll(&id, Some(Fault::Early404), at(7)), Found::Missing);
        assert!(matches!(
            book.poll(&id, Some(Fault::Early404), at(8)),
            Found::Completed(_)
        ));
    }

    #[test]
    fn a_truncated_transcript_is_not_fetched() {
        let mut book = book(|_| {});
        let id = accept(&mut book, at(0));
        book.poll(&id, Some(Fault::Truncate), at(8));
        assert!(!book.ledger().generations[0].fetched);
        book.poll(&id, Some(Fault::Slow), at(9));
        assert!(book.ledger().generations[0].fetched);
    }

    #[test]
    fn key_and_account_decide_admission() {
        let mut book = book(|settings| settings.key = Some("right".to_owned()));
        let mut admit_as = |account, call, key| {
            book.account = account;
            book.admit(call, key, at(0)).map_err(status)
        };
        for call in [Call::Submit, Call::Poll] {
            assert_eq!(admit_as(Account::Open, call, Some("right")), Ok(None));
            assert_eq!(admit_as(Account::KeyRefused, call, Some("right")), Err(401));
            for key in [None, Some(""), Some("wrong")] {
                assert_eq!(admit_as(Account::Open, call, key), Err(401));
            }
        }
        assert_eq!(
            admit_as(Account::NoCredit, Call::Submit, Some("right")),
            Err(403)
        );
        assert_eq!(
            admit_as(Account::NoCredit, Call::Poll, Some("right")),
            Ok(None)
        );
    }

    #[test]
    fn each_kind_of_call_has_its_limit() {
        let mut book = book(|settings| {
            settings.submits_per_minute = Some(1);
            settings.polls_per_minute = Some(2);
        });
        for call in [Call::Submit, Call::Poll, Call::Poll] {
            assert_eq!(book.admit(call, Some("k"), at(0)), Ok(None));
        }
        for call in [Call::Submit, Call::Poll] {
            let wait = Duration::from_secs(59);
            assert_eq!(
                book.admit(call, Some("k"), at(1)),
                Err(Turned::OverLimit(wait))
            );
            assert_eq!(book.admit(call, Some("k"), at(60)), Ok(None));
        }
        let ledger = book.ledger();
        assert_eq!((ledger.over_limit, ledger.polls), (2, 4));
        assert_eq!(
            (ledger.peak_submits_per_minute, ledger.peak_polls_per_minute),
            (1, 2)
        );
    }

    #[test]
    fn memory_holds_only_one_retention_period() {
        let mut book = book(|_| {});
        for second in 0..1000 {
            assert_eq!(book.admit(Call::Submit, Some("k"), at(second)), Ok(None));
            accept(&mut book, at(second));
            assert!(book.generations.len() <= 101);
        }
        assert_eq!(book.ledger().generations.len(), 1000);
    }
}
