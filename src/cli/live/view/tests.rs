//! Tests of the rendered text and its size.

use super::*;
use crate::app::live::LiveSnapshot;
use crate::app::live::queue_state::QueueState;
use crate::app::progress::Forecast;
use crate::domain::{ErrorClass, Failure, HoldKind, JobId};
use crate::policy::hours::Opening;
use crate::store::sqlite::activity::{
    Activity, HEAD_LIMIT, InFlightRecording, RecentFailure, WaitingJobs,
};
use crate::store::sqlite::overview::{ActiveRun, Overview};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// 2026-11-21T03:04:05Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);

fn before(seconds: u64) -> Timestamp {
    NOW.before(Duration::from_secs(seconds))
}

fn after(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

fn in_flight_item(job: i64, name: &str, since: u64, expires_in: Option<u64>) -> InFlightRecording {
    InFlightRecording {
        job: JobId(job),
        relative: PathBuf::from(name),
        size_bytes: 48_200_000,
        duration_s: expires_in.map(|_| 3780.0),
        since: before(since),
        expires_at: expires_in.map(after),
    }
}

fn queued(source: &str, have_duplicate: bool, jobs: u64) -> WaitingJobs {
    WaitingJobs {
        source: source.to_owned(),
        are_files: true,
        have_duplicate,
        look_paid: false,
        jobs,
    }
}

fn failure(job: i64, name: &str, class: ErrorClass, message: &str) -> RecentFailure {
    RecentFailure {
        job: JobId(job),
        relative: PathBuf::from(name),
        failure: Failure::new(class, message),
        at: before(360),
    }
}

/// A queue with items in every state.
fn night() -> QueueState {
    let counts = [1480, 3, 37, 2, 2480, 9, 1];
    let pending = (0..37).map(|number| {
        let name = format!("2024/season {number}/a rather long name of an episode.mp3");
        in_flight_item(500 + number, &name, 240, Some(600 + number as u64 * 60))
    });
    QueueState {
        now: NOW,
        overview: Overview {
            counts: JobState::ALL.into_iter().zip(counts).collect(),
            next_expiry: Some(after(600)),
            next_due: None,
            perhaps_paid: 2,
            over_budget: 0,
            done_since: 0,
            active_run: Some(ActiveRun {
                pid: 4711,
                since: before(18_000),
            }),
        },
        holds: Vec::new(),
        opening: Opening::Now,
        activity: Activity {
            sending: vec![
                in_flight_item(700, "2025/会議の録音.m4a", 12, None),
                in_flight_item(701, "2025/two.mp3", 3, None),
                in_flight_item(702, "2025/three\u{1b}[31m.mp3", 1, None),
            ],
            pending: pending.collect(),
            waiting: vec![
                queued("nas", false, 8),
                queued("old", false, 3),
                queued("talks", false, 1100),
                queued("talks", true, 12),
            ],
            not_due: 60,
            next_due: Some(after(190)),
            uncertain: 2,
            transcripts: 35,
            audio_s: 25_860.0,
            failures: vec![
                failure(
                    16,
                    "2023/broken.mp3",
                    ErrorClass::Unreadable,
                    "the file ends in the middle",
                ),
                failure(9, "2023/notes.wav", ErrorClass::Unsupported, "it is text"),
            ],
        },
        rate_window: Duration::from_secs(600),
        forecast: Forecast {
            left: Some(Duration::from_secs(19_957)),
            when_run: None,
        },
        sources: BTreeMap::from([("talks".to_owned(), true), ("nas".to_owned(), false)]),
    }
}

fn held() -> QueueState {
    let mut queue = night();
    let message = "the account is out of credit (402)".to_owned();
    queue.holds = vec![Hold::new(HoldKind::Credit, before(3000), message)];
    queue.forecast = Forecast::default();
    queue
}

fn empty() -> QueueState {
    let mut queue = night();
    queue.overview = Overview::default();
    queue.activity = Activity::default();
    queue.forecast = Forecast::default();
    queue
}

fn scene(queue: &QueueState) -> Scene {
    Scene {
        snapshot: LiveSnapshot::new(queue),
        zone: TimeZone::UTC,
    }
}

fn text(queue: &QueueState, width: usize, height: Option<usize>) -> String {
    let lines = render(&scene(queue), &mut Controls::default(), width, height);
    let lines: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    lines.join("\n")
}

#[test]
fn a_night_at_80_columns() {
    insta::assert_snapshot!(text(&night(), 80, Some(24)));
}

#[test]
fn a_night_at_200_columns() {
    insta::assert_snapshot!(text(&night(), 200, Some(50)));
}

#[test]
fn a_night_at_40_columns() {
    insta::assert_snapshot!(text(&night(), 40, Some(12)));
}

#[test]
fn a_hold_at_80_columns() {
    insta::assert_snapshot!(text(&held(), 80, Some(24)));
}

#[test]
fn an_empty_queue() {
    insta::assert_snapshot!(text(&empty(), 80, Some(24)));
}

#[test]
fn without_a_height_every_row_is_shown() {
    let text = text(&night(), 80, None);
    assert_eq!(text.matches("  pending ").count(), 37);
    // The snapshot holds only the most recent failures.
    assert_eq!(text.matches("… and ").count(), 1);
    assert!(text.ends_with("… and 7 more"), "{text}");
}

#[test]
fn the_view_fits_every_size() {
    for scene in [night(), held(), empty()].map(|queue| scene(&queue)) {
        for width in 1..=220 {
            for height in (1..=60).step_by(7) {
                let lines = render(&scene, &mut Controls::default(), width, Some(height));
                assert!(lines.len() <= height, "{width}×{height}");
                for line in &lines {
                    assert!(
                        line.text.width() <= width,
                        "{width}×{height}: {}",
                        line.text
                    );
                    assert!(!line.text.contains('\u{1b}'));
                }
            }
        }
    }
}

#[test]
fn omitted_rows_are_counted() {
    let text = text(&night(), 80, Some(24));
    let rows = text.matches("  pending ").count() + text.matches("  sending ").count();
    assert!(
        text.contains(&format!("… and {} more", 40 - rows)),
        "{text}"
    );
}

#[test]
fn every_section_gets_a_row_before_any_gets_more() {
    assert_eq!(share(&[5, 40, 2], 2, Some(9)), [1, 1, 1]);
    assert_eq!(share(&[5, 40, 2], 2, Some(14)), [3, 3, 2]);
    assert_eq!(share(&[5, 40, 2], 2, Some(30)), [5, 17, 2]);
    assert_eq!(share(&[5, 40, 2], 2, Some(2)), [0, 0, 0]);
    assert_eq!(share(&[5, 40, 2], 2, None), [5, 40, 2]);
    assert_eq!(share(&[5, 40, 2], 1, Some(6)), [1, 1, 1]);
}

#[test]
fn counts_beyond_the_examined_head_are_marked() {
    let mut queue = night();
    queue.activity.not_due = HEAD_LIMIT;
    queue.activity.waiting = vec![queued("talks", true, HEAD_LIMIT)];
    queue.overview.counts.insert(JobState::Queued, 900_000);
    let text = text(&queue, 80, Some(24));
    assert!(
        text.contains("  895998  for their turn, or a reason below"),
        "{text}"
    );
    assert!(
        text.contains("    2000+ for a duplicate in flight"),
        "{text}"
    );
    assert!(
        text.contains("    2000+ for a later attempt, the next in 3m 10s"),
        "{text}"
    );
}
