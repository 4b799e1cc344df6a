//! How fast it goes, and the time left, from what was done lately.

use std::collections::VecDeque;
use std::time::Duration;

/// What counts as lately.
const LATELY: Duration = Duration::from_secs(300);
/// Before so much has been seen, an estimate is a guess.
const AT_LEAST: Duration = Duration::from_secs(10);

/// How many were done when, by the time since the start, with the seconds of audio that came.
#[derive(Debug, Default)]
pub(super) struct Estimate {
    seen: VecDeque<(Duration, u64, f64)>,
}

/// What is estimated; `None` while it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimated {
    /// Until `left` are done.
    pub(super) left: Option<Duration>,
    /// Minutes of audio a minute.
    pub(super) audio: Option<f64>,
}

impl Estimate {
    /// Takes in that `done` are done and `audio_s` seconds of audio came until `now`, and says how long `left` will take.
    pub(super) fn take_in(
        &mut self,
        now: Duration,
        done: u64,
        audio_s: f64,
        left: u64,
    ) -> Estimated {
        self.seen.push_back((now, done, audio_s));
        while self.seen.len() > 2
            && self
                .seen
                .front()
                .is_some_and(|(time, ..)| now.saturating_sub(*time) > LATELY)
        {
            self.seen.pop_front();
        }
        let (since, done_before, audio_before) = self.seen[0];
        let (time, count) = (now.saturating_sub(since), done.saturating_sub(done_before));
        let audio = audio_s - audio_before;
        let is_known = time >= AT_LEAST;
        Estimated {
            left: (is_known && left > 0 && count > 0)
                .then(|| time.mul_f64(left as f64 / count as f64)),
            audio: (is_known && audio > 0.0).then(|| audio / time.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_last_minutes() {
        let mut estimate = Estimate::default();
        let mut left = |second, done, left| {
            let now = Duration::from_secs(second);
            estimate.take_in(now, done, 0.0, left).left
        };
        assert_eq!(left(0, 0, 100), None);
        assert_eq!(left(5, 5, 95), None);
        assert_eq!(left(10, 10, 90), Some(Duration::from_secs(90)));
        assert_eq!(left(400, 10, 90), None);
        assert_eq!(left(410, 30, 70), Some(Duration::from_secs(35)));
        assert_eq!(left(411, 100, 0), None);
    }

    #[test]
    fn the_rate_of_audio_follows_the_last_minutes() {
        let mut estimate = Estimate::default();
        let mut audio = |second, audio_s| {
            let now = Duration::from_secs(second);
            estimate.take_in(now, 0, audio_s, 0).audio
        };
        assert_eq!(audio(0, 0.0), None);
        assert_eq!(audio(5, 500.0), None);
        assert_eq!(audio(20, 600.0), Some(30.0));
        assert_eq!(audio(400, 600.0), None);
        assert_eq!(audio(420, 800.0), Some(10.0));
    }
}
