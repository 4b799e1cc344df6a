//! Events of a night, by the true time in milliseconds from its start.

use super::dice::Dice;
use nightscribe::domain::HoldKind;

pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    pub fn holds(self, at: i64) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// How much of it has passed at `at`.
    pub fn part_before(self, at: i64) -> i64 {
        (at.min(self.to) - self.from).max(0)
    }
}

/// Fault of the service for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answers.
    Unreachable,
    /// Every request is answered with 500.
    ServerError,
    /// Every request is answered with 429.
    Refusing,
    /// Only so many submissions a minute are accepted.
    Limited(usize),
    /// The key is refused.
    KeyRefused,
    /// Submissions are refused for lack of credit.
    NoCredit,
    /// Submissions for the sick model are answered with 500.
    ModelFails,
    /// Generations take ten times as long.
    Slow,
    /// The request log answers with 500.
    LogFails,
    /// The service keeps no request log.
    NoLog,
}

impl Trouble {
    /// Whether transcripts cannot be read meanwhile.
    pub fn stops_reading(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::ServerError | Self::Refusing | Self::KeyRefused
        )
    }
}

#[derive(Debug, Clone)]
pub struct Script {
    pub troubles: Vec<(Span, Trouble)>,
    pub asleep: Span,
    /// When the clock is set, and by how much.
    pub clock_steps: Vec<(i64, i64)>,
    /// The request log lists a request only when it has finished.
    pub lists_finished: bool,
    pub holds: Vec<(Span, HoldKind)>,
}

impl Script {
    /// A night of eight hours for a service that otherwise takes `per_minute` submissions.
    pub fn new(dice: &mut Dice, per_minute: usize) -> Self {
        let mut troubles = vec![];
        let mut add = |dice: &mut Dice, shortest, longest, trouble| {
            let from = dice.between(0, 8 * HOUR);
            let to = from + dice.between(shortest * MINUTE, longest * MINUTE);
            troubles.push((Span { from, to }, trouble));
        };
        add(dice, 5, 70, Trouble::Unreachable);
        add(dice, 1, 20, Trouble::Unreachable);
        add(dice, 5, 70, Trouble::ServerError);
        add(dice, 1, 15, Trouble::Refusing);
        add(dice, 1, 15, Trouble::Refusing);
        add(dice, 10, 60, Trouble::Limited((per_minute / 4).max(1)));
        add(dice, 10, 60, Trouble::Limited((per_minute / 2).max(1)));
        add(dice, 5, 20, Trouble::KeyRefused);
        add(dice, 10, 30, Trouble::NoCredit);
        add(dice, 30, 120, Trouble::ModelFails);
        add(dice, 30, 60, Trouble::Slow);
        add(dice, 1, 30, Trouble::LogFails);
        if dice.chance(0.1) {
            add(dice, 5, 60, Trouble::NoLog);
        }
        let from = dice.between(HOUR / 2, 5 * HOUR);
        let mut hold = |kind| {
            let from = dice.between(0, 8 * HOUR);
            let to = from + dice.between(5 * MINUTE, 30 * MINUTE);
            (Span { from, to }, kind)
        };
        Self {
            troubles,
            asleep: Span {
                from,
                to: from + 2 * HOUR,
            },
            holds: vec![hold(HoldKind::Operator), hold(HoldKind::Disk)],
            clock_steps: vec![
                (dice.between(HOUR / 2, 6 * HOUR), -HOUR),
                (dice.between(6 * HOUR, 8 * HOUR), 3 * HOUR),
            ],
            lists_finished: dice.chance(0.5),
        }
    }

    pub fn has(&self, at: i64, trouble: Trouble) -> bool {
        self.troubles
            .iter()
            .any(|(span, it)| *it == trouble && span.holds(at))
    }

    /// The longest time on end from `from` to `to` in which the request log could be searched. None if it was said once that
    /// the service keeps no log.
    pub fn searchable(&self, from: i64, to: i64) -> i64 {
        let meets = |span: &Span| span.from < to && span.to > from;
        let mut of_no_log = self.troubles.iter().filter(|(_, it)| *it == Trouble::NoLog);
        if of_no_log.any(|(span, _)| meets(span)) {
            return 0;
        }
        self.longest(from, to, |trouble| {
            trouble.stops_reading() || trouble == Trouble::LogFails
        })
    }

    /// Submissions that the service accepts in a minute, where it counts them.
    pub fn limit(&self, at: i64) -> Option<usize> {
        let limits = self.troubles.iter().filter(|(span, _)| span.holds(at));
        limits
            .filter_map(|(_, trouble)| match trouble {
                Trouble::Limited(limit) => Some(*limit),
                _ => None,
            })
            .min()
    }

    /// When something changes that nobody else tells.
    pub fn changes(&self) -> Vec<i64> {
        let holds = self.holds.iter().flat_map(|(span, _)| [span.from, span.to]);
        holds
            .chain([self.asleep.from, self.asleep.to])
            .chain(self.clock_steps.iter().map(|(at, _)| *at))
            .collect()
    }

    /// The longest time on end from `from` to `to` in which a transcript could be read: awake, and the service up.
    pub fn readable(&self, from: i64, to: i64) -> i64 {
        self.longest(from, to, Trouble::stops_reading)
    }

    /// The longest time on end from `from` to `to`, awake and without a trouble that `stops`.
    fn longest(&self, from: i64, to: i64, stops: impl Fn(Trouble) -> bool) -> i64 {
        let stopping = self.troubles.iter().filter(|(_, it)| stops(*it));
        let mut closed: Vec<_> = stopping.map(|(span, _)| *span).collect();
        closed.push(self.asleep);
        closed.sort_by_key(|span| span.from);
        let (mut longest, mut since) = (0, from);
        for span in closed {
            longest = longest.max(span.from.min(to) - since);
            since = since.max(span.to);
        }
        longest.max(to - since)
    }
}
