//! Why an item is not done, in one line.

use super::exit::Report;
use super::session::Session;
use super::terminal::clock;
use crate::config::Source;
use crate::domain::{Hold, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::Store;
use crate::store::recordings::Location;
use crate::store::report::{Item, Obstacles};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the folders of all sources may take to answer: a dead share never does.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What is true of all items.
#[derive(Debug)]
pub(super) struct Standing {
    now: Timestamp,
    zone: TimeZone,
    holds: Vec<Hold>,
    /// Whether the hours let submissions leave.
    opening: Opening,
    /// Whether a run works on the queue.
    is_running: bool,
    /// The sources of the configuration, each with whether its folder is there.
    sources: BTreeMap<String, bool>,
}

impl Standing {
    /// How things stand now.
    pub(super) async fn of(session: &Session, store: &Store) -> Result<Self, Report> {
        // The lock is asked only where it matters: a run that begins at that moment would find it taken.
        let is_running =
            store.runner().await?.is_some() && Lock::is_held(&session.config.state.dir);
        Ok(Self {
            now: session.now(),
            zone: TimeZone::system(),
            holds: session.holds(store).await?,
            opening: session.window(None).opening(session.now()),
            is_running,
            sources: presence(&session.config.sources).await,
        })
    }

    /// What an item waits for; `None` if nothing happens to it any more.
    pub(super) fn why(&self, item: &Item) -> Option<String> {
        match item.state {
            JobState::Queued => Some(self.queued(item)),
            JobState::Submitting if self.is_running => Some("is being sent".to_owned()),
            JobState::Submitting => Some(
                "was being sent when the run broke off; the next looks its answer up".to_owned(),
            ),
            JobState::Pending => Some(self.pending(item)),
            JobState::Received => Some(self.received(item)),
            JobState::Done | JobState::Failed | JobState::Cancelled => None,
        }
    }

    /// What must be over first comes first.
    fn queued(&self, item: &Item) -> String {
        let source = &item.source;
        match (item.obstacles, self.sources.get(source)) {
            (Obstacles { in_doubt: true, .. }, _) => {
                return "a lost answer is being looked up".to_owned();
            }
            (_, None) => return format!("no [[source]] is named `{source}` any more"),
            (_, Some(false)) if matches!(item.location, Location::File(_)) => {
                return "its folder is not there".to_owned();
            }
            _ => {}
        }
        if let Some(hold) = self.holds.first() {
            return format!("held: {}", hold.kind.reason());
        }
        if let Opening::At(time) = self.opening {
            return format!("outside the active hours until {}", self.clock(time));
        }
        if let Some(twin) = item.obstacles.twin {
            return format!("same audio as item {}, which is on its way", twin.0);
        }
        if let Some(earlier) = item.obstacles.earlier {
            let earlier = earlier.0;
            return format!("was changed; item {earlier}, as it was before, is on its way");
        }
        let wait = if item.due_at > self.now {
            format!("next attempt at {}", self.clock(item.due_at))
        } else if self.is_running {
            "waits for its turn".to_owned()
        } else {
            "waits for the next run".to_owned()
        };
        with_error(wait, item)
    }

    fn pending(&self, item: &Item) -> String {
        let since = item.accepted_at.unwrap_or(item.updated_at);
        let since = format!("pending since {}", self.clock(since));
        match item.expires_at {
            Some(expiry) if expiry > self.now => {
                format!("{since}, expires {}", self.clock(expiry))
            }
            Some(expiry) => format!(
                "{since}, expired {} unless the service still has it",
                self.clock(expiry)
            ),
            None => since,
        }
    }

    fn received(&self, item: &Item) -> String {
        let Some(error) = &item.error else {
            return "received; its files are to be written".to_owned();
        };
        let message = &error.message;
        if item.due_at > self.now {
            let due = self.clock(item.due_at);
            format!("received; cannot be written: {message}; next try at {due}")
        } else {
            format!("received; cannot be written: {message}")
        }
    }

    fn clock(&self, time: Timestamp) -> String {
        clock(time, self.now, &self.zone)
    }
}

fn with_error(wait: String, item: &Item) -> String {
    match &item.error {
        Some(error) => format!("{wait} ({error})"),
        None => wait,
    }
}

/// Which sources' folders are there. What does not answer is not there.
pub(super) async fn presence(sources: &[Source]) -> BTreeMap<String, bool> {
    let asked: Vec<_> = sources
        .iter()
        .map(|source| {
            let path = source.path.clone();
            tokio::task::spawn_blocking(move || path.is_dir())
        })
        .collect();
    let until = tokio::time::Instant::now() + ANSWER_WITHIN;
    let mut present = BTreeMap::new();
    for (source, asked) in sources.iter().zip(asked) {
        let answered = tokio::time::timeout_at(until, asked).await;
        present.insert(source.name.clone(), matches!(answered, Ok(Ok(true))));
    }
    present
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ErrorClass, Failure, HoldKind, JobId, Request};
    use std::path::PathBuf;

    /// 2026-11-21T03:04:05Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn standing() -> Standing {
        Standing {
            now: NOW,
            zone: TimeZone::UTC,
            holds: Vec::new(),
            opening: Opening::Now,
            is_running: true,
            sources: BTreeMap::from([("talks".to_owned(), true), ("gone".to_owned(), false)]),
        }
    }

    fn item(state: JobState) -> Item {
        Item {
            id: JobId(17),
            source: "talks".to_owned(),
            location: Location::File(PathBuf::from("/talks/a.mp3")),
            relative: PathBuf::from("a.mp3"),
            state,
            request: Request::new("m", []),
            attempts: 0,
            generation_id: None,
            size_bytes: 1,
            duration_s: None,
            sha256: None,
            due_at: NOW,
            obstacles: Obstacles::default(),
            accepted_at: None,
            expires_at: None,
            error: None,
            silent: None,
            paid_by: None,
            outputs: Vec::new(),
            created_at: NOW,
            updated_at: NOW,
        }
    }

    /// Why a changed item waits, where things stand in a changed way.
    fn why(state: JobState, change: impl FnOnce(&mut Item, &mut Standing)) -> String {
        let (mut item, mut standing) = (item(state), standing());
        change(&mut item, &mut standing);
        standing.why(&item).unwrap()
    }

    fn hold(kind: HoldKind) -> Hold {
        Hold::new(kind, NOW, "long story".to_owned())
    }

    #[test]
    fn a_queued_item_waits_for_its_turn_or_for_a_run() {
        assert_eq!(why(JobState::Queued, |_, _| ()), "waits for its turn");
        let no_run = why(JobState::Queued, |_, standing| standing.is_running = false);
        assert_eq!(no_run, "waits for the next run");
    }

    #[test]
    fn an_item_that_failed_once_says_when_it_is_tried_again_and_why() {
        let network = Failure::new(ErrorClass::Network, "connection refused");
        let later = why(JobState::Queued, |item, _| {
            item.due_at = NOW.after(HOUR);
            item.error = Some(network.clone());
        });
        assert_eq!(later, "next attempt at 04:04 (network: connection refused)");
        let due = why(JobState::Queued, |item, _| item.error = Some(network));
        assert_eq!(due, "waits for its turn (network: connection refused)");
        let plain = why(JobState::Queued, |item, _| item.due_at = NOW.after(HOUR));
        assert_eq!(plain, "next attempt at 04:04");
    }

    #[test]
    fn a_hold_is_named() {
        for (kind, said) in [
            (HoldKind::Auth, "held: the key is refused"),
            (HoldKind::Credit, "held: out of credit"),
            (HoldKind::Operator, "held: paused"),
            (HoldKind::Disk, "held: too little room on the disk"),
        ] {
            let held = why(JobState::Queued, |_, standing| {
                standing.holds = vec![hold(kind)];
            });
            assert_eq!(held, said);
        }
    }

    #[test]
    fn what_is_equal_or_earlier_goes_first() {
        let twin = why(JobState::Queued, |item, _| {
            item.obstacles.twin = Some(JobId(12));
        });
        assert_eq!(twin, "same audio as item 12, which is on its way");
        let earlier = why(JobState::Queued, |item, _| {
            item.obstacles.earlier = Some(JobId(3));
        });
        assert_eq!(
            earlier,
            "was changed; item 3, as it was before, is on its way"
        );
    }

    #[test]
    fn an_item_out_of_reach_says_so_unless_it_is_a_url() {
        let gone = |item: &mut Item, _: &mut Standing| item.source = "gone".to_owned();
        assert_eq!(why(JobState::Queued, gone), "its folder is not there");
        let url = why(JobState::Queued, |item, _| {
            item.source = "gone".to_owned();
            item.location = Location::Url("https://example.org/a.mp3".to_owned());
        });
        assert_eq!(url, "waits for its turn");
        let removed = why(JobState::Queued, |item, _| item.source = "old".to_owned());
        assert_eq!(removed, "no [[source]] is named `old` any more");
    }

    #[test]
    fn of_several_reasons_the_one_that_must_be_over_first_is_told() {
        let mut reasons = Vec::new();
        let (mut item, mut standing) = (item(JobState::Queued), standing());
        item.due_at = NOW.after(HOUR);
        reasons.push(standing.why(&item).unwrap());
        item.obstacles.earlier = Some(JobId(3));
        reasons.push(standing.why(&item).unwrap());
        item.obstacles.twin = Some(JobId(12));
        reasons.push(standing.why(&item).unwrap());
        standing.opening = Opening::At(NOW.after(HOUR));
        reasons.push(standing.why(&item).unwrap());
        standing.holds = vec![hold(HoldKind::Operator)];
        reasons.push(standing.why(&item).unwrap());
        item.source = "gone".to_owned();
        reasons.push(standing.why(&item).unwrap());
        item.obstacles.in_doubt = true;
        reasons.push(standing.why(&item).unwrap());
        assert_eq!(
            reasons,
            [
                "next attempt at 04:04",
                "was changed; item 3, as it was before, is on its way",
                "same audio as item 12, which is on its way",
                "outside the active hours until 04:04",
                "held: paused",
                "its folder is not there",
                "a lost answer is being looked up",
            ]
        );
    }

    #[test]
    fn what_is_being_sent_says_so_as_long_as_somebody_sends() {
        assert_eq!(why(JobState::Submitting, |_, _| ()), "is being sent");
        let broken = why(JobState::Submitting, |_, standing| {
            standing.is_running = false;
        });
        assert_eq!(
            broken,
            "was being sent when the run broke off; the next looks its answer up"
        );
    }

    #[test]
    fn what_is_pending_says_since_when_and_until_when() {
        let pending = |expires: Timestamp| {
            why(JobState::Pending, |item, _| {
                item.accepted_at = Some(NOW.before(HOUR / 2));
                item.expires_at = Some(expires);
            })
        };
        assert_eq!(
            pending(NOW.after(HOUR / 2)),
            "pending since 02:34, expires 03:34"
        );
        assert_eq!(
            pending(NOW),
            "pending since 02:34, expired 03:04 unless the service still has it"
        );
        let bare = why(JobState::Pending, |_, _| ());
        assert_eq!(bare, "pending since 03:04");
    }

    #[test]
    fn what_is_received_says_why_it_is_not_written() {
        let received = why(JobState::Received, |_, _| ());
        assert_eq!(received, "received; its files are to be written");
        let full = |due: Timestamp| {
            why(JobState::Received, |item, _| {
                item.error = Some(Failure::new(ErrorClass::Output, "no room"));
                item.due_at = due;
            })
        };
        assert_eq!(full(NOW), "received; cannot be written: no room");
        assert_eq!(
            full(NOW.after(HOUR)),
            "received; cannot be written: no room; next try at 04:04"
        );
    }

    #[test]
    fn what_has_ended_waits_for_nothing() {
        for state in [JobState::Done, JobState::Failed, JobState::Cancelled] {
            assert_eq!(standing().why(&item(state)), None);
        }
    }
}
