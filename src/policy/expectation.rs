//! When an answer is likely, learnt from those that came: the first poll is planned by it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Answers remembered for each model; older ones no longer say how busy the service is.
const REMEMBERED: usize = 64;
/// Answers for audio of about the same length that an expectation is made of.
const NEIGHBOURS: usize = 9;
/// What is left of the time of an answer that the first poll found. Half of it would be wrong by as much at the next
/// recording, which would then be asked for in vain several times, and late.
const EARLIER: f64 = 0.9;
/// Length assumed where it is not known, in seconds.
const UNKNOWN_LENGTH_S: f64 = 600.0;

/// How long answers took, by model.
#[derive(Debug, Clone, Default)]
pub struct ServiceTimes {
    by_model: HashMap<String, VecDeque<Sample>>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    log_length: f64,
    taken: Duration,
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
            log_length: log_length(length_s),
            taken,
        });
    }

    /// How long an answer for audio of `length_s` seconds is likely to take: the median of its nearest neighbours in
    /// length, the latest of equal ones; `None` if nothing is known of the model.
    #[must_use]
    pub fn expected(&self, model: &str, length_s: Option<f64>) -> Option<Duration> {
        let wanted = log_length(length_s);
        let mut samples: Vec<_> = self.by_model.get(model)?.iter().rev().copied().collect();
        samples.sort_by(|a, b| {
            (a.log_length - wanted)
                .abs()
                .total_cmp(&(b.log_length - wanted).abs())
        });
        samples.truncate(NEIGHBOURS);
        samples.sort_by_key(|sample| sample.taken);
        samples.get(samples.len() / 2).map(|sample| sample.taken)
    }
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
        assert_eq!(times.expected("m", Some(40.0)), Some(s(5)));
        assert_eq!(times.expected("m", Some(3000.0)), Some(s(120)));
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
        assert_eq!(times.expected("m", None), Some(s(9)));
    }

    #[test]
    fn of_answers_for_audio_of_one_length_the_latest_count() {
        let mut times = ServiceTimes::default();
        for _ in 0..NEIGHBOURS {
            times.learn("m", None, s(1), s(1));
        }
        for _ in 0..NEIGHBOURS {
            times.learn("m", None, s(9), s(9));
        }
        assert_eq!(times.expected("m", None), Some(s(9)));
    }

    #[test]
    fn an_answer_that_takes_the_same_time_always_is_soon_asked_for_when_it_is_there() {
        let (takes, interval) = (s(60), s(10));
        let mut times = ServiceTimes::default();
        let mut polls = Vec::new();
        for _ in 0..100 {
            let mut asked = times.expected("m", None).unwrap_or(interval);
            let (mut not_before, mut count) = (Duration::ZERO, 1);
            while asked < takes {
                (not_before, asked, count) = (asked, asked + interval, count + 1);
            }
            times.learn("m", None, not_before, asked);
            polls.push((count, asked));
        }
        let late = |&(count, asked): &(u32, Duration)| count > 2 || asked > takes + interval;
        assert!(!polls[20..].iter().any(late), "{polls:?}");
    }

    proptest! {
        #[test]
        fn an_expectation_lies_among_what_was_seen(taken in proptest::collection::vec(0u64..1000, 1..100), length in proptest::option::of(0.0..1e6f64)) {
            let mut times = ServiceTimes::default();
            for &seconds in &taken {
                times.learn("m", length, s(seconds), s(seconds));
            }
            let expected = times.expected("m", length).unwrap().as_secs();
            prop_assert!(taken.iter().min().unwrap() <= &expected && &expected <= taken.iter().max().unwrap());
        }
    }
}
