//! Time left of a run, forecast from its last submissions and from what is queued.
//!
//! Three limits may decide how long the submissions take: the submission rate, the concurrent uploads, and the generations
//! at the service. Uploads and results take longer for longer recordings, by a [`PowerLaw`] that is fitted to the last ones.
//! The forecast by these limits is corrected by the time that the last submissions took in fact.

use super::forecast::after_open;
use super::hours::SubmitWindow;
use super::power_law::PowerLaw;
use crate::domain::Timestamp;
use std::time::Duration;

/// Minimum period of a run from which its speed is known.
const MIN_PERIOD: Duration = Duration::from_secs(5);
/// Maximum period in which submissions are counted.
const MAX_PERIOD: Duration = Duration::from_secs(600);
/// Assumed exponent of the time of an upload, as long as all files have the same size: it is proportional to the size.
const UPLOAD_EXPONENT: f64 = 1.0;
/// Assumed exponent of the time to a result. Services are faster than the recording is long, and take time for each request.
const RESULT_EXPONENT: f64 = 0.3;
/// Maximum number of [`Progress::submissions`].
pub const MAX_SUBMISSIONS: usize = 1000;
/// Quantile of the times to a result at which the last one is expected. The later ones have less time, so it is not the slowest of
/// all.
const SLOW_QUANTILE: f64 = 0.85;

/// Size of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RecordingSize {
    /// Size in bytes. 0 for a URL.
    pub bytes: u64,
    /// Length in seconds of audio, if need be an estimate.
    pub audio_s: f64,
}

/// A recording that is being sent or transcribed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InFlight {
    /// Size.
    pub size: RecordingSize,
    /// Time since the start of the upload, or since the acceptance.
    pub since: Duration,
}

/// An accepted submission of the last time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Submission {
    /// Size.
    pub size: RecordingSize,
    /// Time since the acceptance.
    pub accepted: Duration,
    /// Time from the start of the upload to the acceptance.
    pub upload: Duration,
    /// Time from the acceptance to the result, if there is one.
    pub result: Option<Duration>,
}

/// Limits of submissions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubmitLimits {
    /// Maximum submissions in any minute.
    pub per_minute: u32,
    /// Maximum concurrent uploads.
    pub uploads: usize,
    /// Maximum generations at the service.
    pub pending: usize,
}

/// Progress of a run, and what is left.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Time since the start of the run. `None` if none is active.
    pub running: Option<Duration>,
    /// Limits of submissions.
    pub limits: SubmitLimits,
    /// Queued recordings, in their order. Only the first of a long queue.
    pub queued: Vec<RecordingSize>,
    /// Number of all queued recordings.
    pub queued_total: u64,
    /// Recordings that are being sent.
    pub sending: Vec<InFlight>,
    /// Recordings at the service.
    pub pending: Vec<InFlight>,
    /// Latest accepted submissions, newest first, also of earlier runs.
    pub submissions: Vec<Submission>,
}

impl Progress {
    /// Returns the median time from an acceptance to its result in this run, or in earlier ones if it has none.
    #[must_use]
    pub fn usual_result(&self) -> Option<Duration> {
        let of = |period| {
            let mut times: Vec<_> = accepted_in(self, period)
                .filter_map(|one| one.result)
                .collect();
            times.sort_unstable();
            times.get(times.len() / 2).copied()
        };
        of(self.running.unwrap_or_default()).or_else(|| of(Duration::MAX))
    }
}

/// Forecast of the time left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLeft {
    /// Time until the last result of what is in flight.
    in_flight: Duration,
    /// Time until the last submission, and from there to its result. `None` if nothing is queued.
    queued: Option<(Duration, Duration)>,
}

impl TimeLeft {
    /// Returns the time until the last result, if submissions stop outside of `window`. `None` if they cannot all be made.
    #[must_use]
    pub fn within(&self, now: Timestamp, window: &SubmitWindow) -> Option<Duration> {
        let queued = match self.queued {
            Some((submissions, result)) => {
                after_open(now, submissions, window)?.since(now) + result
            }
            None => Duration::ZERO,
        };
        Some(self.in_flight.max(queued))
    }
}

/// Returns the time left of the active run, or otherwise the time that a run would take. `None` without work or measured
/// submissions.
#[must_use]
pub fn time_left(progress: &Progress) -> Option<TimeLeft> {
    if progress.queued_total == 0 && progress.sending.is_empty() && progress.pending.is_empty() {
        return None;
    }
    let period = period(progress);
    let speed = Speed::of(progress, period)?;
    let at_service = progress.pending.iter();
    let at_service = at_service.map(|one| left_of(speed.slow_result(one.size), one.since));
    let sent = progress
        .sending
        .iter()
        .map(|one| left_of(speed.upload(one.size), one.since) + speed.slow_result(one.size));
    let in_flight = at_service.chain(sent).fold(0.0, f64::max);
    let queued = match progress.queued_total {
        0 => None,
        _ => Some(queue_left(progress, &speed, period)?),
    };
    Some(TimeLeft {
        in_flight: seconds(in_flight),
        queued: queued.map(|(submissions, result)| (seconds(submissions), seconds(result))),
    })
}

/// Returns the seconds until the last submission, and from there to its result. `None` if nothing was accepted yet.
fn queue_left(progress: &Progress, speed: &Speed, period: Duration) -> Option<(f64, f64)> {
    let listed = &progress.queued;
    // The rest of a long queue is as its beginning.
    let share = progress.queued_total as f64 / listed.len().max(1) as f64;
    let queued = speed.load(listed.iter().copied()).times(share);
    let sending = speed.load(progress.sending.iter().map(|one| one.size));
    let planned_s = queued
        .plus(sending, -speed.sent_s(progress, Duration::MAX))
        .seconds(&progress.limits);
    let correction = match progress.running {
        Some(_) => correction(progress, speed, period)?,
        None => 1.0,
    };
    // Other uploads do not shorten the longest one.
    let longest_s = listed
        .iter()
        .map(|size| speed.upload(*size))
        .fold(0.0, f64::max);
    let last = listed.last().copied().unwrap_or_default();
    Some((
        (planned_s * correction).max(longest_s),
        speed.slow_result(last),
    ))
}

/// Returns the ratio of the time that the last submissions took to the time by the limits. `None` if it is not known yet.
fn correction(progress: &Progress, speed: &Speed, period: Duration) -> Option<f64> {
    let accepted = speed.load(accepted_in(progress, period).map(|one| one.size));
    if period < MIN_PERIOD || accepted.recordings == 0.0 {
        return None;
    }
    let sent = Load::default();
    let by_limits_s = accepted
        .plus(sent, speed.sent_s(progress, period))
        .seconds(&progress.limits);
    Some(period.as_secs_f64() / by_limits_s)
}

fn accepted_in(progress: &Progress, period: Duration) -> impl Iterator<Item = &Submission> {
    let all = progress.submissions.iter();
    all.filter(move |one| one.accepted <= period)
}

/// Returns the period in which submissions are counted.
///
/// The first ones may fill the service at once. Later ones wait until others have left it, so only they show the speed.
fn period(progress: &Progress) -> Duration {
    let running = progress.running.unwrap_or_default();
    let mut times: Vec<_> = accepted_in(progress, running)
        .filter_map(|one| Some(one.upload + one.result?))
        .collect();
    times.sort_unstable();
    let usual = times.get(times.len() / 2).copied();
    let filled = usual.filter(|usual| running > *usual + MIN_PERIOD.max(*usual));
    let period = (running - filled.unwrap_or_default()).min(MAX_PERIOD);
    // A full list does not reach further back.
    match progress.submissions.last() {
        Some(oldest) if progress.submissions.len() >= MAX_SUBMISSIONS => {
            period.min(oldest.accepted.max(MIN_PERIOD))
        }
        _ => period,
    }
}

/// Work of submissions.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    recordings: f64,
    /// Seconds of uploads.
    upload_s: f64,
    /// Seconds at the service.
    result_s: f64,
}

impl Load {
    fn times(self, share: f64) -> Self {
        Self {
            recordings: self.recordings * share,
            upload_s: self.upload_s * share,
            result_s: self.result_s * share,
        }
    }

    fn plus(self, other: Self, upload_s: f64) -> Self {
        Self {
            recordings: self.recordings + other.recordings,
            upload_s: (self.upload_s + other.upload_s + upload_s).max(0.0),
            result_s: self.result_s + other.result_s,
        }
    }

    /// Returns the seconds that the submissions take by the limits.
    fn seconds(&self, limits: &SubmitLimits) -> f64 {
        let rate_s = self.recordings * 60.0 / f64::from(limits.per_minute);
        let uploads_s = self.upload_s / limits.uploads as f64;
        rate_s
            .max(uploads_s)
            .max(self.result_s / limits.pending as f64)
    }
}

/// Speed of uploads and of the service.
struct Speed {
    upload: PowerLaw,
    result: PowerLaw,
    /// Ratio of a slow result to a usual one.
    slow: f64,
}

impl Speed {
    /// Fits the last submissions of this run, or of all runs until this one has a result. Without any result, a result takes the
    /// time that the run has waited. `None` without submissions.
    fn of(progress: &Progress, period: Duration) -> Option<Self> {
        let running = progress.running.unwrap_or_default();
        let mut known: Vec<_> = accepted_in(progress, running).collect();
        if known.iter().all(|one| one.result.is_none()) {
            known = progress.submissions.iter().collect();
        }
        let uploads = known.iter();
        let uploads = uploads.map(|one| (one.size.bytes as f64, one.upload.as_secs_f64()));
        let upload = PowerLaw::fit(&uploads.collect::<Vec<_>>(), UPLOAD_EXPONENT)?;
        let results = known.iter();
        let results: Vec<_> = results
            .filter_map(|one| Some((one.size.audio_s, one.result?.as_secs_f64())))
            .collect();
        let waited = progress
            .running
            .map(|_| PowerLaw::constant(period.as_secs_f64()));
        let result = PowerLaw::fit(&results, RESULT_EXPONENT).or(waited)?;
        let ratios = results.iter();
        let mut ratios: Vec<_> = ratios
            .map(|(audio_s, time_s)| time_s / result.at(*audio_s).max(f64::MIN_POSITIVE))
            .collect();
        ratios.sort_by(f64::total_cmp);
        let slow = ratios.get((ratios.len() as f64 * SLOW_QUANTILE) as usize);
        Some(Self {
            upload,
            result,
            slow: slow.copied().unwrap_or(1.0),
        })
    }

    fn upload(&self, size: RecordingSize) -> f64 {
        self.upload.at(size.bytes as f64)
    }

    fn slow_result(&self, size: RecordingSize) -> f64 {
        self.result.at(size.audio_s) * self.slow
    }

    fn load(&self, sizes: impl Iterator<Item = RecordingSize>) -> Load {
        let mut load = Load::default();
        for size in sizes {
            load.recordings += 1.0;
            load.upload_s += self.upload(size);
            load.result_s += self.result.at(size.audio_s);
        }
        load
    }

    /// Returns the seconds of uploads that were spent, within the last `period`, on what is being sent.
    fn sent_s(&self, progress: &Progress, period: Duration) -> f64 {
        let spent = progress.sending.iter().map(|one| {
            let since = one.since.min(period).as_secs_f64();
            since.min(self.upload(one.size))
        });
        spent.sum()
    }
}

fn left_of(whole_s: f64, since: Duration) -> f64 {
    (whole_s - since.as_secs_f64()).max(0.0)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
