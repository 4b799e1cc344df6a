//! Progress of the active run and the time left, which `status`, `status --watch`, `run`, `plan` and the page show alike.

use super::error::AppError;
use super::session::Session;
use crate::domain::{JobState, Timestamp};
use crate::policy::hours::{Opening, SubmitWindow};
use crate::policy::time_left::{
    InFlight, MAX_SUBMISSIONS, Progress, RecordingSize, Submission, SubmitLimits, time_left,
};
use crate::store::Store;
use crate::store::sqlite::overview::Overview;
use crate::store::sqlite::progress::{AcceptedSubmission, MeasuredRecording, WorkLeft};
use std::time::Duration;

/// Maximum number of recordings whose sizes are read. More of a queue are taken to be like these.
const MAX_RECORDINGS: usize = 2000;
/// Seconds of audio of a byte, as long as no length is known: 128 kbit/s.
const SECONDS_PER_BYTE: f64 = 8.0 / 128_000.0;

/// Time until the last result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Time left of the active run. `None` without an active run, work, or measured submissions, and during a hold.
    pub left: Option<Duration>,
    /// Duration of a run that would begin now, or with the next active hours. `None` during an active run, without work or an
    /// earlier run, and during a hold.
    pub when_run: Option<Duration>,
}

/// Forecasts the time left. Recordings that wait for the budget are not counted.
///
/// # Errors
/// If the database fails.
pub(super) async fn forecast(
    session: &Session,
    store: &Store,
    overview: &Overview,
    is_held: bool,
    now: Timestamp,
) -> Result<Forecast, AppError> {
    let progress = load_progress(session, store, overview, now).await?;
    let window = session.window(None);
    Ok(forecast_of(&progress, &window, is_held, now))
}

/// Forecasts the time left by the progress, within this window.
pub(super) fn forecast_of(
    progress: &Progress,
    window: &SubmitWindow,
    is_held: bool,
    now: Timestamp,
) -> Forecast {
    let opening = window.opening(now);
    let left = match opening {
        // The hours in which nothing is submitted do not show the speed of a run.
        Opening::At(_) => time_left(&Progress {
            running: None,
            ..progress.clone()
        }),
        Opening::Now | Opening::Never => time_left(progress),
    };
    let within = |start| left.filter(|_| !is_held)?.within(start, window);
    match (progress.running, opening) {
        (Some(_), _) => Forecast {
            left: within(now),
            when_run: None,
        },
        (None, Opening::At(opens)) => Forecast {
            left: None,
            when_run: within(opens),
        },
        (None, Opening::Now | Opening::Never) => Forecast {
            left: None,
            when_run: within(now),
        },
    }
}

/// Loads the progress.
///
/// # Errors
/// If the database fails.
pub(super) async fn load_progress(
    session: &Session,
    store: &Store,
    overview: &Overview,
    now: Timestamp,
) -> Result<Progress, AppError> {
    let work = store.work_left(MAX_RECORDINGS).await?;
    let queued = overview.counts.get(&JobState::Queued).copied();
    let total = queued.unwrap_or(0).saturating_sub(overview.over_budget);
    progress_of(session, store, overview, &work, total, now).await
}

/// Loads the progress as if only these recordings were queued, in this order.
///
/// # Errors
/// If the database fails.
pub(super) async fn load_planned_progress(
    session: &Session,
    store: &Store,
    overview: &Overview,
    planned: &[MeasuredRecording],
    now: Timestamp,
) -> Result<Progress, AppError> {
    let work = WorkLeft {
        queued: planned.iter().take(MAX_RECORDINGS).copied().collect(),
        ..store.work_left(MAX_RECORDINGS).await?
    };
    let total = planned.len() as u64;
    progress_of(session, store, overview, &work, total, now).await
}

async fn progress_of(
    session: &Session,
    store: &Store,
    overview: &Overview,
    work: &WorkLeft,
    queued_total: u64,
    now: Timestamp,
) -> Result<Progress, AppError> {
    let submissions = store.accepted_submissions(MAX_SUBMISSIONS).await?;
    let sizes = Sizes::of(&submissions);
    let in_flight = |all: &[MeasuredRecording]| -> Vec<_> {
        let all = all.iter().map(|one| InFlight {
            size: sizes.size(one),
            since: one.since.map_or(Duration::ZERO, |since| now.since(since)),
        });
        all.collect()
    };
    let limits = &session.config.limits;
    Ok(Progress {
        running: overview.active_run.map(|run| now.since(run.since)),
        limits: SubmitLimits {
            per_minute: limits.submits_per_minute.get(),
            uploads: limits.max_uploads,
            pending: limits.max_pending,
        },
        queued: work.queued.iter().map(|one| sizes.size(one)).collect(),
        queued_total,
        sending: in_flight(&work.sending),
        pending: in_flight(&work.pending),
        submissions: submissions
            .iter()
            .map(|one| Submission {
                size: sizes.size(&one.recording),
                accepted: now.since(one.accepted_at),
                upload: one.accepted_at.since(one.started_at),
                result: one.result_at.map(|at| at.since(one.accepted_at)),
            })
            .collect(),
    })
}

/// Lengths of recordings whose length is not known yet, by those of the last submissions.
struct Sizes {
    seconds_per_byte: f64,
    /// Length of a URL.
    average_s: f64,
}

impl Sizes {
    fn of(submissions: &[AcceptedSubmission]) -> Self {
        let (mut bytes, mut audio_s, mut lengths, mut count) = (0, 0.0, 0.0, 0);
        for recording in submissions.iter().map(|one| one.recording) {
            let Some(duration_s) = recording.duration_s else {
                continue;
            };
            (lengths, count) = (lengths + duration_s, count + 1);
            if recording.size_bytes > 0 {
                (bytes, audio_s) = (bytes + recording.size_bytes, audio_s + duration_s);
            }
        }
        let is_known = bytes > 0 && audio_s > 0.0;
        Self {
            seconds_per_byte: match is_known {
                true => audio_s / bytes as f64,
                false => SECONDS_PER_BYTE,
            },
            average_s: lengths / f64::from(count.max(1)),
        }
    }

    fn size(&self, recording: &MeasuredRecording) -> RecordingSize {
        let bytes = recording.size_bytes;
        let estimated = || match bytes {
            0 => self.average_s,
            _ => bytes as f64 * self.seconds_per_byte,
        };
        RecordingSize {
            bytes,
            audio_s: recording.duration_s.unwrap_or_else(estimated),
        }
    }
}
