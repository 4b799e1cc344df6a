//! One-line reason an item is not done.

use super::exit::CommandError;
use crate::app::session::Session;
use super::terminal::format_time;
use crate::config::SourceConfig;
use crate::domain::{Hold, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::Store;
use crate::store::sqlite::items::{Item, Obstacles};
use crate::store::sqlite::recordings::Location;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// Timeout for checking the folders of all sources. An unresponsive network share never answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// State that applies to all items.
#[derive(Debug)]
pub(super) struct WaitContext {
    now: Timestamp,
    zone: TimeZone,
    holds: Vec<Hold>,
    /// Whether the active hours allow submissions.
    opening: Opening,
    /// Whether a runner is active.
    is_running: bool,
    /// Whether the folder exists, for each configured source.
    sources: BTreeMap<String, bool>,
}

impl WaitContext {
    /// Loads the current state.
    pub(super) async fn load(session: &Session, store: &Store) -> Result<Self, CommandError> {
        // Testing the lock takes it briefly, and a run starting at that moment would fail. So test it only if needed.
        let is_running =
            store.active_run().await?.is_some() && Lock::is_held(&session.config.state.dir);
        Ok(Self {
            now: session.now(),
            zone: TimeZone::system(),
            holds: session.holds(store).await?,
            opening: session.window(None).opening(session.now()),
            is_running,
            sources: check_folders(&session.config.sources).await,
        })
    }

    /// Returns the reason an item is not done. `None` in a final state.
    pub(super) fn reason(&self, item: &Item) -> Option<String> {
        match item.state {
            JobState::Queued => Some(self.queued(item)),
            JobState::Submitting if self.is_running => Some("is being sent".to_owned()),
            JobState::Submitting => Some(
                "was being sent when the run was interrupted; the next run looks up the outcome"
                    .to_owned(),
            ),
            JobState::Pending => Some(self.pending(item)),
            JobState::Received => Some(self.received(item)),
            JobState::Done | JobState::Failed | JobState::Cancelled => None,
        }
    }

    /// Returns the obstacle that must be cleared first.
    fn queued(&self, item: &Item) -> String {
        let source = &item.source;
        match (item.obstacles, self.sources.get(source)) {
            (
                Obstacles {
                    is_uncertain: true, ..
                },
                _,
            ) => {
                return "response lost; looking up the outcome".to_owned();
            }
            (_, None) => return format!("[[source]] `{source}` is no longer configured"),
            (_, Some(false)) if matches!(item.location, Location::File(_)) => {
                return "its folder is missing".to_owned();
            }
            _ => {}
        }
        if let Some(hold) = self.holds.first() {
            return format!("held: {}", hold.kind.reason());
        }
        if let Opening::At(time) = self.opening {
            return format!("outside the active hours until {}", self.clock(time));
        }
        if let Some(duplicate) = item.obstacles.duplicate_of {
            return format!("same audio as item {}, which is in flight", duplicate.0);
        }
        if let Some(earlier) = item.obstacles.earlier_job {
            let earlier = earlier.0;
            return format!("file changed; item {earlier}, its previous version, is in flight");
        }
        let wait = if item.due_at > self.now {
            format!("next attempt at {}", self.clock(item.due_at))
        } else if self.is_running {
            "waiting for its turn".to_owned()
        } else {
            "waiting for the next run".to_owned()
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
            return "received; its files are not written yet".to_owned();
        };
        let message = &error.message;
        if item.due_at > self.now {
            let due = self.clock(item.due_at);
            format!("received; cannot be written: {message}; next attempt at {due}")
        } else {
            format!("received; cannot be written: {message}")
        }
    }

    fn clock(&self, time: Timestamp) -> String {
        format_time(time, self.now, &self.zone)
    }
}

fn with_error(wait: String, item: &Item) -> String {
    match &item.error {
        Some(error) => format!("{wait} ({error})"),
        None => wait,
    }
}

/// Checks which source folders exist. A folder that does not answer in time counts as missing.
pub(super) async fn check_folders(sources: &[SourceConfig]) -> BTreeMap<String, bool> {
    let checks: Vec<_> = sources
        .iter()
        .map(|source| {
            let path = source.path.clone();
            tokio::task::spawn_blocking(move || path.is_dir())
        })
        .collect();
    let deadline = tokio::time::Instant::now() + ANSWER_WITHIN;
    let mut present = BTreeMap::new();
    for (source, check) in sources.iter().zip(checks) {
        let result = tokio::time::timeout_at(deadline, check).await;
        present.insert(source.name.clone(), matches!(result, Ok(Ok(true))));
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

    fn standing() -> WaitContext {
        WaitContext {
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

    /// Returns the reason for an item, after `change` is applied to the defaults.
    fn why(state: JobState, change: impl FnOnce(&mut Item, &mut WaitContext)) -> String {
        let (mut item, mut standing) = (item(state), standing());
        change(&mut item, &mut standing);
        standing.reason(&item).unwrap()
    }

    fn hold(kind: HoldKind) -> Hold {
        Hold::new(kind, NOW, "long story".to_owned())
    }

    #[test]
    fn a_queued_item_waits_for_its_turn_or_a_run() {
        assert_eq!(why(JobState::Queued, |_, _| ()), "waiting for its turn");
        let no_run = why(JobState::Queued, |_, standing| standing.is_running = false);
        assert_eq!(no_run, "waiting for the next run");
    }

    #[test]
    fn a_retry_shows_its_time_and_the_last_error() {
        let network = Failure::new(ErrorClass::Network, "connection refused");
        let later = why(JobState::Queued, |item, _| {
            item.due_at = NOW.after(HOUR);
            item.error = Some(network.clone());
        });
        assert_eq!(later, "next attempt at 04:04 (network: connection refused)");
        let due = why(JobState::Queued, |item, _| item.error = Some(network));
        assert_eq!(due, "waiting for its turn (network: connection refused)");
        let plain = why(JobState::Queued, |item, _| item.due_at = NOW.after(HOUR));
        assert_eq!(plain, "next attempt at 04:04");
    }

    #[test]
    fn a_hold_is_named() {
        for (kind, expected) in [
            (HoldKind::Auth, "held: API key rejected"),
            (HoldKind::Credit, "held: out of credit"),
            (HoldKind::Operator, "held: paused"),
            (HoldKind::Disk, "held: too little disk space"),
        ] {
            let held = why(JobState::Queued, |_, standing| {
                standing.holds = vec![hold(kind)];
            });
            assert_eq!(held, expected);
        }
    }

    #[test]
    fn duplicates_and_previous_versions_go_first() {
        let duplicate = why(JobState::Queued, |item, _| {
            item.obstacles.duplicate_of = Some(JobId(12));
        });
        assert_eq!(duplicate, "same audio as item 12, which is in flight");
        let earlier = why(JobState::Queued, |item, _| {
            item.obstacles.earlier_job = Some(JobId(3));
        });
        assert_eq!(
            earlier,
            "file changed; item 3, its previous version, is in flight"
        );
    }

    #[test]
    fn a_missing_folder_does_not_hold_urls() {
        let gone = |item: &mut Item, _: &mut WaitContext| item.source = "gone".to_owned();
        assert_eq!(why(JobState::Queued, gone), "its folder is missing");
        let url = why(JobState::Queued, |item, _| {
            item.source = "gone".to_owned();
            item.location = Location::Url("https://example.org/a.mp3".to_owned());
        });
        assert_eq!(url, "waiting for its turn");
        let removed = why(JobState::Queued, |item, _| item.source = "old".to_owned());
        assert_eq!(removed, "[[source]] `old` is no longer configured");
    }

    #[test]
    fn the_most_blocking_reason_is_shown() {
        let mut reasons = Vec::new();
        let (mut item, mut standing) = (item(JobState::Queued), standing());
        item.due_at = NOW.after(HOUR);
        reasons.push(standing.reason(&item).unwrap());
        item.obstacles.earlier_job = Some(JobId(3));
        reasons.push(standing.reason(&item).unwrap());
        item.obstacles.duplicate_of = Some(JobId(12));
        reasons.push(standing.reason(&item).unwrap());
        standing.opening = Opening::At(NOW.after(HOUR));
        reasons.push(standing.reason(&item).unwrap());
        standing.holds = vec![hold(HoldKind::Operator)];
        reasons.push(standing.reason(&item).unwrap());
        item.source = "gone".to_owned();
        reasons.push(standing.reason(&item).unwrap());
        item.obstacles.is_uncertain = true;
        reasons.push(standing.reason(&item).unwrap());
        assert_eq!(
            reasons,
            [
                "next attempt at 04:04",
                "file changed; item 3, its previous version, is in flight",
                "same audio as item 12, which is in flight",
                "outside the active hours until 04:04",
                "held: paused",
                "its folder is missing",
                "response lost; looking up the outcome",
            ]
        );
    }

    #[test]
    fn sending_is_interrupted_when_no_runner_is_active() {
        assert_eq!(why(JobState::Submitting, |_, _| ()), "is being sent");
        let broken = why(JobState::Submitting, |_, standing| {
            standing.is_running = false;
        });
        assert_eq!(
            broken,
            "was being sent when the run was interrupted; the next run looks up the outcome"
        );
    }

    #[test]
    fn a_pending_item_shows_its_start_and_expiry() {
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
    fn a_received_item_shows_its_write_error() {
        let received = why(JobState::Received, |_, _| ());
        assert_eq!(received, "received; its files are not written yet");
        let full = |due: Timestamp| {
            why(JobState::Received, |item, _| {
                item.error = Some(Failure::new(ErrorClass::Output, "no room"));
                item.due_at = due;
            })
        };
        assert_eq!(full(NOW), "received; cannot be written: no room");
        assert_eq!(
            full(NOW.after(HOUR)),
            "received; cannot be written: no room; next attempt at 04:04"
        );
    }

    #[test]
    fn a_final_state_has_no_reason() {
        for state in [JobState::Done, JobState::Failed, JobState::Cancelled] {
            assert_eq!(standing().reason(&item(state)), None);
        }
    }
}
