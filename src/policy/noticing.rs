//! When a source is looked through next: soon after something happened in its folder, when a file there stands still,
//! and in any case now and then.

use crate::domain::Timestamp;
use std::time::Duration;

/// How long nothing more happens before what happened is looked at, so that a thousand files are one look.
pub const QUIET: Duration = Duration::from_millis(500);
/// The longest that something waits for quiet.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// The least between the end of a look and the beginning of one that something asked for.
pub const REST: Duration = Duration::from_secs(2);
/// A look that took long rests so many times as long, so that looking never takes more than a fifth of the time.
const REST_PER_LOOK: u32 = 4;

/// What happened to a file that could be a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It appeared, or its dates were set: it may stand still already.
    Appeared,
    /// It was written to: it stands still in `settle` at the earliest.
    Written,
}

/// What is known of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noticing {
    every: Duration,
    settle: Duration,
    /// When the last look began; `None` before the first.
    began: Option<Timestamp>,
    /// Before this only the clock asks for a look.
    rests_until: Timestamp,
    /// The first and the last thing that happened since that look began.
    appeared: Option<(Timestamp, Timestamp)>,
    /// When the first of the files that are written to may stand still.
    settles: Option<Timestamp>,
}

impl Noticing {
    /// A source that was never looked through, so that it is due. `every` is the time between two looks that nothing
    /// asked for, `settle` how long a file must be unchanged.
    #[must_use]
    pub const fn new(every: Duration, settle: Duration) -> Self {
        Self {
            every,
            settle,
            began: None,
            rests_until: Timestamp::from_millis(i64::MIN),
            appeared: None,
            settles: None,
        }
    }

    /// Something happened in its folder.
    pub fn saw(&mut self, sign: Sign, now: Timestamp) {
        // Where files settle sooner than it is quiet, quiet is waited for.
        if sign == Sign::Written && self.settle > QUIET {
            self.will_settle(now.after(self.settle));
        } else {
            let first = self.appeared.map_or(now, |(first, _)| first);
            self.appeared = Some((first, now));
        }
    }

    /// A look begins: it will see all that happened so far.
    pub fn begins(&mut self, now: Timestamp) {
        self.began = Some(now);
        self.appeared = None;
        self.settles = None;
    }

    /// The look ended; the first of the files that it left stands still at `settles`.
    pub fn ended(&mut self, now: Timestamp, settles: Option<Timestamp>) {
        let took = now.since(self.began.unwrap_or(now));
        self.rests_until = now.after(REST.max(took * REST_PER_LOOK));
        if let Some(settles) = settles {
            self.will_settle(settles);
        }
    }

    /// The clock was set back: what is known goes with it.
    pub fn set_back(&mut self, now: Timestamp) {
        self.began = self.began.map(|began| began.min(now));
        self.rests_until = self.rests_until.min(now.after(REST));
        self.appeared = self
            .appeared
            .map(|(first, last)| (first.min(now), last.min(now)));
        self.settles = self
            .settles
            .map(|settles| settles.min(now.after(self.settle)));
    }

    /// When it is to be looked through next.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        let Some(began) = self.began else {
            return Timestamp::from_millis(i64::MIN);
        };
        let appeared = self
            .appeared
            .map(|(first, last)| last.after(QUIET).min(first.after(PATIENCE)));
        // Those that settle a moment later come along.
        let settled = self.settles.map(|settles| settles.after(QUIET));
        let asked = appeared.into_iter().chain(settled).min();
        let regular = began.after(self.every);
        asked.map_or(regular, |asked| asked.max(self.rests_until).min(regular))
    }

    fn will_settle(&mut self, at: Timestamp) {
        self.settles = Some(self.settles.map_or(at, |settles| settles.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(3600);
    const SETTLE: Duration = Duration::from_secs(30);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Looked through at 0, in no time.
    fn looked() -> Noticing {
        let mut source = Noticing::new(EVERY, SETTLE);
        source.begins(at(0));
        source.ended(at(0), None);
        source
    }

    #[test]
    fn a_source_that_was_never_looked_through_is_due() {
        assert!(Noticing::new(EVERY, SETTLE).due() < at(0));
    }

    #[test]
    fn where_nothing_happens_the_clock_asks() {
        assert_eq!(looked().due(), at(3_600_000));
    }

    #[test]
    fn what_appears_is_looked_at_when_it_is_quiet() {
        let mut source = looked();
        source.saw(Sign::Appeared, at(10_000));
        assert_eq!(source.due(), at(10_500));
        source.saw(Sign::Appeared, at(10_400));
        assert_eq!(source.due(), at(10_900));
    }

    #[test]
    fn where_it_is_never_quiet_a_look_comes_all_the_same() {
        let mut source = looked();
        for millis in 0..100 {
            source.saw(Sign::Appeared, at(10_000 + millis * 100));
        }
        assert_eq!(source.due(), at(13_000));
    }

    #[test]
    fn under_constant_load_a_look_comes_every_few_seconds() {
        let mut source = looked();
        let mut looks = Vec::new();
        for millis in (10_000..70_000).step_by(10) {
            source.saw(Sign::Appeared, at(millis));
            if source.due() <= at(millis) {
                source.begins(at(millis));
                source.ended(at(millis), None);
                looks.push(millis);
            }
        }
        assert_eq!(looks.len(), 19);
        assert!(looks.windows(2).all(|two| two[1] - two[0] >= 3000));
    }

    #[test]
    fn what_happens_right_after_a_look_waits_for_its_rest() {
        let mut source = looked();
        source.saw(Sign::Appeared, at(1));
        assert_eq!(source.due(), at(2000));
    }

    #[test]
    fn a_look_that_took_long_rests_longer() {
        let mut source = looked();
        source.begins(at(10_000));
        source.saw(Sign::Appeared, at(11_000));
        source.ended(at(15_000), None);
        assert_eq!(source.due(), at(35_000));
    }

    #[test]
    fn what_happens_while_a_look_goes_on_is_looked_at_once_after_it() {
        let mut source = looked();
        source.begins(at(10_000));
        source.saw(Sign::Appeared, at(10_001));
        source.saw(Sign::Appeared, at(10_002));
        source.ended(at(10_003), None);
        assert_eq!(source.due(), at(12_003));
        source.begins(at(12_003));
        source.ended(at(12_003), None);
        assert_eq!(source.due(), at(3_612_003));
    }

    #[test]
    fn a_file_that_is_written_to_is_looked_at_when_it_may_stand_still() {
        let mut source = looked();
        for second in 10..20 {
            source.saw(Sign::Written, at(second * 1000));
        }
        assert_eq!(source.due(), at(40_500));
        source.begins(at(40_500));
        source.ended(at(40_500), Some(at(49_000)));
        assert_eq!(source.due(), at(49_500));
    }

    #[test]
    fn a_file_that_settles_at_once_is_waited_for_until_it_is_quiet() {
        let mut source = Noticing::new(EVERY, Duration::ZERO);
        source.begins(at(0));
        source.ended(at(0), None);
        source.saw(Sign::Written, at(10_000));
        source.saw(Sign::Written, at(10_400));
        assert_eq!(source.due(), at(10_900));
    }

    #[test]
    fn the_first_of_several_files_to_stand_still_asks_for_the_look() {
        let mut source = looked();
        source.begins(at(10_000));
        source.saw(Sign::Written, at(10_001));
        source.ended(at(10_002), Some(at(39_000)));
        assert_eq!(source.due(), at(39_500));
    }

    #[test]
    fn the_clock_asks_even_where_something_else_would_later() {
        let mut source = Noticing::new(Duration::from_secs(1), SETTLE);
        source.begins(at(0));
        source.ended(at(0), Some(at(30_000)));
        source.saw(Sign::Appeared, at(1));
        assert_eq!(source.due(), at(1000));
    }

    #[test]
    fn a_clock_set_back_puts_nothing_off() {
        let mut source = looked();
        source.begins(at(9_000_000));
        source.saw(Sign::Appeared, at(9_000_001));
        source.ended(at(9_000_002), Some(at(9_020_000)));
        source.set_back(at(1000));
        assert_eq!(source.due(), at(3000));
        source.begins(at(3000));
        source.ended(at(3000), None);
        assert_eq!(source.due(), at(3_603_000));
    }
}
