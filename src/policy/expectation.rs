//! When an answer is likely, learnt from those that came: the first poll is planned by it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Answers remembered for each model; older ones no longer say how busy the service is.
const REMEMBERED: usize = 64;
/// What is left of the time of an answer that the first poll found: it had been there for an unknown time. The median
/// does not depend on it, as long as it is below 1. By it an estimate falls that is too long: in smaller steps, answers
/// that always take the same time are missed less often by the first poll.
const EARLIER: f64 = 0.93;
/// Length assumed where it is not known, in seconds.
const UNKNOWN_LENGTH_S: f64 = 600.0;
/// Until answers for audio of different lengths tell, twice the audio takes twice the time. So much weight has that.
const PRIOR: f64 = 1.0;

/// Audio this many times longer than any that was answered is of a length that nothing is known of: a guess by
/// proportion could leave its answer lying for long, while a poll too early costs little.
const BEYOND: f64 = 4.0;

/// How long answers took, by model.
#[derive(Debug, Clone, Default)]
pub struct ServiceTimes {
    by_model: HashMap<String, VecDeque<Sample>>,
}

/// Logarithms, as times grow with a power of the length, and scatter by factors.
#[derive(Debug, Clone, Copy)]
struct Sample {
    length: f64,
    taken: f64,
}

impl ServiceTimes {
    /// An answer for audio of `length_s` seconds came between `not_before` and `not_after` its acceptance (the last
    /// poll that found nothing, and the one that found it); the middle is taken. Where the first poll found it, nothing
    /// tells how long it had been there: the next first polls come a little earlier, until one finds nothing.
    pub fn learn(
        &mut self,
        model: &str,
        length_s: Option<f64>,
        not_before: Duration,
        not_after: Duration,
    ) {
        let samples = self.by_model.entry(model.to_owned()).or_default();
        if samples.len() == REMEMBERED {
            samples.pop_front();
        }
        let taken = if not_before.is_zero() {
            not_after.mul_f64(EARLIER)
        } else {
            (not_before.min(not_after) + not_after) / 2
        };
        samples.push_back(Sample {
            length: log_length(length_s),
            taken: taken.max(Duration::from_micros(1)).as_secs_f64().ln(),
        });
    }

    /// How long an answer for audio of `length_s` seconds takes at most, half of the time: on the line through what is
    /// remembered; `None` if nothing is known of the model, or of audio of such a length.
    #[must_use]
    pub fn expected(&self, model: &str, length_s: Option<f64>) -> Option<Duration> {
        let samples = self.by_model.get(model)?;
        let length = log_length(length_s);
        if !samples
            .iter()
            .any(|sample| length <= sample.length + BEYOND.ln())
        {
            return None;
        }
        let slope = slope(samples);
        // The median, not the mean: it depends on how many answers came later, not on how much later.
        let mut levels: Vec<_> = samples
            .iter()
            .map(|sample| sample.taken - slope * sample.length)
            .collect();
        levels.sort_by(f64::total_cmp);
        let level = levels.get(levels.len() / 2)?;
        let expected = level + slope * length;
        Duration::try_from_secs_f64(expected.exp()).ok()
    }
}

/// By which power of the length the time grows: by least squares, from not at all to proportionally.
fn slope(samples: &VecDeque<Sample>) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (length, taken) = (mean(|sample| sample.length), mean(|sample| sample.taken));
    let (mut together, mut own) = (PRIOR, PRIOR);
    for sample in samples {
        let apart = sample.length - length;
        together += apart * (sample.taken - taken);
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
            times.learn("m", Some(30.0), s(4), s(6));
            times.learn("m", Some(3600.0), s(100), s(140));
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
        times.learn("m", Some(30.0), s(1), s(1));
        assert!(times.expected("m", Some(119.0)).is_some());
        assert_eq!(times.expected("m", Some(121.0)), None);
        times.learn("m", Some(3600.0), s(1), s(1));
        assert!(times.expected("m", Some(10_000.0)).is_some());
    }

    #[test]
    fn only_the_latest_answers_count() {
        let mut times = ServiceTimes::default();
        for _ in 0..REMEMBERED {
            times.learn("m", None, s(1), s(1));
        }
        for _ in 0..REMEMBERED {
            times.learn("m", None, s(9), s(9));
        }
        let expected = times.expected("m", None).unwrap();
        assert!((8.999..9.001).contains(&expected.as_secs_f64()));
    }

    #[test]
    fn an_answer_that_takes_the_same_time_always_is_soon_asked_for_when_it_is_there() {
        let (takes, unknown) = (s(60), s(10));
        let mut times = ServiceTimes::default();
        let mut polls = Vec::new();
        for _ in 0..100 {
            let mut asked = times.expected("m", None).unwrap_or(unknown);
            let (mut not_before, mut count) = (Duration::ZERO, 1);
            while asked < takes {
                (not_before, asked, count) = (asked, asked.mul_f64(1.12), count + 1);
            }
            times.learn("m", None, not_before, asked);
            polls.push((count, asked));
        }
        let late = |&(count, asked): &(u32, Duration)| count > 2 || asked > takes + takes / 8;
        assert!(!polls[20..].iter().any(late), "{polls:?}");
        let asked_again = polls[20..].iter().filter(|(count, _)| *count > 1);
        assert!(asked_again.count() < 40, "{polls:?}");
    }

    proptest! {
        #[test]
        fn an_expectation_grows_with_the_length_but_not_faster(taken in proptest::collection::vec((1.0..1e5f64, 1u64..1000), 1..100), length in 0.0..1.0f64, times_longer in 1.0..4f64) {
            let mut times = ServiceTimes::default();
            for &(length, seconds) in &taken {
                times.learn("m", Some(length), s(seconds), s(seconds));
            }
            let longest = taken.iter().rev().take(REMEMBERED).map(|&(length, _)| length).fold(1.0, f64::max);
            let length = longest.powf(length);
            let expected = |length| times.expected("m", Some(length)).unwrap().as_secs_f64();
            let (short, long) = (expected(length), expected(length * times_longer));
            prop_assert!(short <= long * 1.000_001 && long <= short * times_longer * 1.000_001);
        }
    }
}
