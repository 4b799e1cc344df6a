//! What the sandbox knows, and how each call changes it. It reads no clock and does no IO.

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

/// Everything that changes while the sandbox runs.
#[derive(Debug)]
pub(super) struct Book {
    settings: Settings,
    pub(super) faults: Faults,
    pub(super) account: Account,
    fault_rng: StdRng,
    id_rng: StdRng,
    generations: HashMap<String, Generation>,
    /// IDs in the order of their creation, so of their expiry.
    ages: VecDeque<String>,
    submits: Window,
    polls: Window,
    ledger: Ledger,
}

/// A call that is turned away at the door.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turned {
    Refused(Refusal),
    /// Too many came; there is room again after this time.
    OverLimit(Duration),
}

/// What a poll finds.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Missing,
    Waiting,
    Active,
    Failed,
    Completed(Arc<Submission>),
}

/// A generation that was just made.
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
            ages: VecDeque::new(),
            submits: Window::new(settings.minute),
            polls: Window::new(settings.minute),
            ledger: Ledger::default(),
            settings,
        }
    }

    /// A call comes in, with the key that it has. What goes wrong with it, if anything does, is for its answer to do.
    pub(super) fn admit(
        &mut self,
        call: Call,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Mishap>, Turned> {
        self.forget(now);
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

    /// Whether a key opens the account at all.
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

    /// A submission becomes a generation.
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
        self.ages.push_back(id.clone());
        Accepted { id, fails }
    }

    /// Whether there is no list of requests this time.
    pub(super) fn has_no_logs(&mut self) -> bool {
        self.faults.draw_no_logs(&mut self.fault_rng)
    }

    /// The accepted submissions made from `start` to `end`, newest first.
    pub(super) fn logs(&self, start: Timestamp, end: Timestamp) -> Vec<&Row> {
        let within = |row: &&Row| (start.millis()..=end.millis()).contains(&row.created_ms);
        self.ledger
            .generations
            .iter()
            .rev()
            .filter(within)
            .collect()
    }

    /// A poll, and what goes wrong with its answer.
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

    /// The one call of the old flow gave its transcript out in whole.
    pub(super) fn fetched(&mut self, id: &str) {
        if let Some(generation) = self.generations.get(id) {
            self.ledger.generations[generation.row].fetched = true;
        }
    }

    /// A submission was answered with an error.
    pub(super) fn refused(&mut self, status: StatusCode) {
        *self.ledger.refused.entry(status.as_u16()).or_default() += 1;
    }

    /// A submission's connection is cut with nothing accepted.
    pub(super) fn cut(&mut self) {
        self.ledger.cut += 1;
    }

    /// Everything so far.
    pub(super) fn ledger(&self) -> Ledger {
        Ledger {
            peak_submits_per_minute: self.submits.peak,
            peak_polls_per_minute: self.polls.peak,
            ..self.ledger.clone()
        }
    }

    /// Lets go of what has expired, so that memory holds no more than one retention's generations.
    fn forget(&mut self, now: Timestamp) {
        while let Some(id) = self.ages.front() {
            let expired = self
                .generations
                .get(id)
                .is_none_or(|generation| now.since(generation.created) >= self.settings.retention);
            if !expired {
                break;
            }
            self.generations.remove(id);
            self.ages.pop_front();
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

    fn status(turned: Turned) -> u16 {
        match turned {
            Turned::Refused(refusal) => refusal.status.as_u16(),
            Turned::OverLimit(_) => 429,
        }
    }

    #[test]
    fn a_transcript_is_there_until_the_retention_ends_and_is_then_forgotten() {
        let mut book = book(|_| {});
        let id = accept(&mut book, at(0));
        assert_eq!(book.poll(&id, None, at(1)), Found::Waiting);
        assert_eq!(book.poll(&id, None, at(3)), Found::Active);
        assert!(matches!(book.poll(&id, None, at(99)), Found::Completed(_)));
        assert_eq!(book.poll(&id, None, at(100)), Found::Missing);
        assert_eq!(book.admit(Call::Poll, Some("k"), at(100)), Ok(None));
        assert!(book.generations.is_empty() && book.ages.is_empty());
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
    fn what_fails_is_told_so_and_not_charged() {
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
    fn a_transcript_cut_in_the_middle_does_not_count_as_fetched() {
        let mut book = book(|_| {});
        let id = accept(&mut book, at(0));
        book.poll(&id, Some(Fault::Truncate), at(8));
        assert!(!book.ledger().generations[0].fetched);
        book.poll(&id, Some(Fault::Slow), at(9));
        assert!(book.ledger().generations[0].fetched);
    }

    #[test]
    fn the_key_and_the_account_decide_who_comes_in() {
        let mut book = book(|settings| settings.key = Some("right".to_owned()));
        let mut try_as = |account, call, key| {
            book.account = account;
            book.admit(call, key, at(0)).map_err(status)
        };
        for call in [Call::Submit, Call::Poll] {
            assert_eq!(try_as(Account::Open, call, Some("right")), Ok(None));
            assert_eq!(try_as(Account::KeyRefused, call, Some("right")), Err(401));
            for key in [None, Some(""), Some("wrong")] {
                assert_eq!(try_as(Account::Open, call, key), Err(401));
            }
        }
        assert_eq!(
            try_as(Account::NoCredit, Call::Submit, Some("right")),
            Err(403)
        );
        assert_eq!(
            try_as(Account::NoCredit, Call::Poll, Some("right")),
            Ok(None)
        );
    }

    #[test]
    fn limits_are_kept_for_each_kind_of_call_and_counted() {
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
    fn memory_holds_one_retention_of_generations() {
        let mut book = book(|_| {});
        for second in 0..1000 {
            assert_eq!(book.admit(Call::Submit, Some("k"), at(second)), Ok(None));
            accept(&mut book, at(second));
            assert!(book.generations.len() <= 101);
        }
        assert_eq!(book.ledger().generations.len(), 1000);
    }
}
