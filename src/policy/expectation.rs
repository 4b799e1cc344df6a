//! When an answer is likely, learnt from those that came: the first poll is planned by it.

use super::turnbull;
use crate::domain::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Answers remembered for each model: the latest, whichever poll found them, so that as many of them were there at the
/// first poll as really are …
const REMEMBERED: u64 = 128;
/// … and so many at least that a later poll found, of which it is known between which times they came: hundreds that the
/// first poll found do not make forgotten what is known better.
const BRACKETED: usize = 16;
/// After so long an answer no longer says how busy the service is …
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// … but for the latest ones.
const KEPT: u64 = 8;
/// The line is drawn anew with each of the first answers, then with each eighth: one answer more moves it little.
const REDRAWN: u64 = 8;
/// What the first poll found came after this part of the wait. The estimate depends little on it, but one that is far
/// too long falls by it.
const EARLIEST: f64 = 0.25;
/// No time is known better than to a hundredth.
const NARROWEST: f64 = 0.99;
/// The first poll comes when this part of the answers is there. With the growth of the later waits it makes few polls and
/// few late answers: simulated in `tests/it/polling.rs`.
const THERE: f64 = 0.55;
/// And so much later: where answers always take the same time, it finds them all.
const LATER: f64 = 1.02;
/// Length assumed where it is not known, in seconds.
const UNKNOWN_LENGTH_S: f64 = 600.0;
/// Until answers for audio of different lengths tell, twice the audio takes twice the time. So much weight has that.
const PRIOR: f64 = 1.0;

/// Audio this many times longer than any that was answered is of a length that nothing is known of: a guess by
/// proportion could leave its answer lying for long, while a poll too early costs little.
const BEYOND: f64 = 8.0;

/// How long answers took, by model.
#[derive(Debug, Clone, Default)]
pub struct ServiceTimes {
    by_model: HashMap<String, Answers>,
}

#[derive(Debug, Clone, Default)]
struct Answers {
    bracketed: VecDeque<Sample>,
    found_at_once: VecDeque<Sample>,
    /// Answers so far.
    count: u64,
    line: Line,
}

/// Logarithms, as times grow with a power of the length, and scatter by factors.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Which answer it was.
    number: u64,
    at: Timestamp,
    length: f64,
    not_before: f64,
    not_after: f64,
}

/// The logarithm of the time by that of the length.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    level: f64,
    slope: f64,
    /// Of the longest audio that was answered.
    longest: f64,
}

impl ServiceTimes {
    /// An answer for audio of `length_s` seconds, found at `now`, came between `not_before` and `not_after` its
    /// acceptance: the last poll that found nothing, and the one that found it. `not_before` is zero where that was the
    /// first.
    pub fn learn(
        &mut self,
        model: &str,
        length_s: Option<f64>,
        (not_before, not_after): (Duration, Duration),
        now: Timestamp,
    ) {
        let answers = self.by_model.entry(model.to_owned()).or_default();
        let not_after = not_after.max(Duration::from_micros(1)).as_secs_f64();
        let least = not_before
            .as_secs_f64()
            .clamp(not_after * EARLIEST, not_after * NARROWEST);
        answers.remember(
            Sample {
                number: answers.count,
                at: now,
                length: log_length(length_s),
                not_before: least.ln(),
                not_after: not_after.ln(),
            },
            not_before.is_zero(),
        );
    }

    /// How long an answer for audio of `length_s` seconds takes at most, in a little more than half of the cases: on the
    /// line through what is remembered; `None` if nothing is known of the model, or of audio of such a length.
    #[must_use]
    pub fn expected(&self, model: &str, length_s: Option<f64>) -> Option<Duration> {
        let line = self.by_model.get(model)?.line;
        let length = log_length(length_s);
        if length > line.longest + BEYOND.ln() {
            return None;
        }
        let expected = (line.level + line.slope * length).exp() * LATER;
        Duration::try_from_secs_f64(expected).ok()
    }
}

impl Answers {
    fn remember(&mut self, sample: Sample, found_at_once: bool) {
        self.count += 1;
        if found_at_once {
            self.found_at_once.push_back(sample);
        } else {
            self.bracketed.push_back(sample);
        }
        forget(&mut self.found_at_once, 0, &sample);
        forget(&mut self.bracketed, BRACKETED, &sample);
        if self.count <= REDRAWN || self.count.is_multiple_of(REDRAWN) {
            self.line = line(self.bracketed.iter().chain(&self.found_at_once));
        }
    }
}

/// Forgets what is too old, and beyond `least` what came before the latest answers.
fn forget(samples: &mut VecDeque<Sample>, least: usize, latest: &Sample) {
    while let Some(first) = samples.front() {
        let since = latest.number - first.number;
        let is_past = samples.len() > least && since >= REMEMBERED;
        let is_old = latest.at.since(first.at) > MEMORY && since >= KEPT;
        if !is_past && !is_old {
            return;
        }
        samples.pop_front();
    }
}

/// The line through what is remembered, which [`THERE`] of the answers came before.
fn line<'a>(samples: impl Iterator<Item = &'a Sample> + Clone) -> Line {
    let slope = slope(samples.clone());
    let levels = samples.clone().map(|sample| {
        let by_length = slope * sample.length;
        (sample.not_before - by_length, sample.not_after - by_length)
    });
    Line {
        // A quantile, not the mean: it depends on how many answers came later, not on how much later.
        level: turnbull::quantile(&levels.collect::<Vec<_>>(), THERE),
        slope,
        longest: samples.map(|sample| sample.length).fold(0.0, f64::max),
    }
}

/// By which power of the length the time grows: by least squares, from not at all to proportionally.
fn slope<'a>(samples: impl Iterator<Item = &'a Sample> + Clone) -> f64 {
    let taken = |sample: &Sample| f64::midpoint(sample.not_before, sample.not_after);
    let count = samples.clone().count() as f64;
    let mean_length = samples.clone().map(|sample| sample.length).sum::<f64>() / count;
    let mean_taken = samples.clone().map(taken).sum::<f64>() / count;
    let (mut together, mut own) = (PRIOR, PRIOR);
    for sample in samples {
        let apart = sample.length - mean_length;
        together += apart * (taken(sample) - mean_taken);
        own += apart * apart;
    }
    (together / own).clamp(0.0, 1.0)
}

fn log_length(length_s: Option<f64>) -> f64 {
    let length = length_s
        .filter(|length| length.is_finite())
        .unwrap_or(UNKNOWN_LENGTH_S);
    length.max(1.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_expected_of_an_unknown_model() {
        assert_eq!(ServiceTimes::default().expected("m", Some(60.0)), None);
    }

    #[test]
    fn long_audio_is_expected_to_take_as_long_as_long_audio_did() {
        let mut times = ServiceTimes::default();
        for _ in 0..10 {
            times.learn("m", Some(30.0), (s(4), s(6)), NOW);
            times.learn("m", Some(3600.0), (s(100), s(140)), NOW);
        }
        let expected = |length| times.expected("m", Some(length)).unwrap().as_secs_f64();
        assert!((4.8..5.3).contains(&expected(30.0)), "{}", expected(30.0));
        assert!(
            (115.0..125.0).contains(&expected(3600.0)),
            "{}",
            expected(3600.0)
        );
        assert!(
            (15.0..40.0).contains(&expected(300.0)),
            "{}",
            expected(300.0)
        );
    }

    #[test]
    fn nothing_is_expected_of_audio_much_longer_than_any_that_was_answered() {
        let mut times = ServiceTimes::default();
        times.learn("m", Some(30.0), (s(1), s(1)), NOW);
        assert!(times.expected("m", Some(239.0)).is_some());
        assert_eq!(times.expected("m", Some(241.0)), None);
        times.learn("m", Some(3600.0), (s(1), s(1)), NOW);
        assert!(times.expected("m", Some(10_000.0)).is_some());
    }

    #[test]
    fn only_the_latest_answers_count() {
        let mut times = ServiceTimes::default();
        for seconds in [1, 9] {
            for _ in 0..REMEMBERED {
                times.learn("m", None, (s(seconds), s(seconds)), NOW);
            }
        }
        let expected = times.expected("m", None).unwrap();
        assert!((8.9..9.3).contains(&expected.as_secs_f64()));
    }

    /// Asks for an answer that takes a minute: how often, and when it is found. What it tells is learnt by `times`.
    fn ask(expected: Option<Duration>, times: &mut ServiceTimes, now: Timestamp) -> (u32, f64) {
        let mut asked = expected.unwrap_or(s(10));
        let (mut not_before, mut count) = (Duration::ZERO, 1);
        while asked < s(60) {
            (not_before, asked, count) = (asked, asked.mul_f64(1.12), count + 1);
        }
        times.learn("m", None, (not_before, asked), now);
        (count, asked.as_secs_f64())
    }

    #[test]
    fn an_answer_that_takes_the_same_time_always_is_soon_found_by_the_first_poll() {
        let mut times = ServiceTimes::default();
        let polls: Vec<_> = (0..200)
            .map(|_| ask(times.expected("m", None), &mut times, NOW))
            .collect();
        assert!(polls[20..].iter().all(|poll| poll.1 < 68.0), "{polls:?}");
        let again = polls[20..].iter().filter(|poll| poll.0 > 1);
        assert!(again.count() < 20, "{polls:?}");
    }

    #[test]
    fn hundreds_found_at_once_do_not_make_forgotten_what_is_known_better() {
        let mut times = ServiceTimes::default();
        let waves: Vec<_> = (0..8)
            .map(|_| {
                let expected = times.expected("m", None);
                let polls = (0..256).map(|_| ask(expected, &mut times, NOW));
                polls.last().unwrap()
            })
            .collect();
        let at_once = waves[2..]
            .iter()
            .filter(|poll| poll.0 == 1 && poll.1 < 66.0);
        assert!(at_once.count() >= 5, "{waves:?}");
    }

    #[test]
    fn an_expectation_that_is_far_too_long_falls_when_it_is_forgotten_why() {
        let mut times = ServiceTimes::default();
        for _ in 0..REMEMBERED {
            times.learn("m", None, (s(550), s(650)), NOW);
        }
        let later = NOW.after(MEMORY + s(1));
        for _ in 0..2 * REMEMBERED {
            let expected = times.expected("m", None);
            ask(expected, &mut times, later);
        }
        let expected = times.expected("m", None).unwrap();
        assert!(expected < s(80), "{expected:?}");
    }

    #[test]
    fn the_latest_answers_are_remembered_however_old_they_are() {
        let mut times = ServiceTimes::default();
        for answer in 0..100 {
            let later = NOW.after(2 * MEMORY * answer);
            times.learn("m", None, (s(10), s(11)), later);
        }
        assert_eq!(times.by_model["m"].bracketed.len() as u64, KEPT);
    }

    proptest! {
        #[test]
        fn an_expectation_grows_with_the_length_but_not_faster(taken in proptest::collection::vec((1.0..1e5f64, 1u64..1000), 1..100), length in 0.0..1.0f64, times_longer in 1.0..4f64) {
            let mut times = ServiceTimes::default();
            for &(length, seconds) in &taken {
                times.learn("m", Some(length), (s(seconds), s(seconds)), NOW);
            }
            let longest = taken.iter().rev().take(REMEMBERED as usize).map(|&(length, _)| length).fold(1.0, f64::max);
            let length = longest.powf(length);
            let expected = |length| times.expected("m", Some(length)).unwrap().as_secs_f64();
            let (short, long) = (expected(length), expected(length * times_longer));
            prop_assert!(short <= long * 1.000_001 && long <= short * times_longer * 1.000_001);
        }
    }
}
