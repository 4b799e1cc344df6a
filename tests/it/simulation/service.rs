//! The scripted service. It lives by the true time.

use super::dice::Dice;
use super::script::{HOUR, MINUTE, SECOND, Script, Trouble};
use nightscribe::policy::backoff;
use nightscribe::policy::retry::Cause;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// How long a transcription is kept.
pub const RETENTION: i64 = HOUR;

#[derive(Debug, Clone)]
pub struct Generation {
    pub visible_at: i64,
    pub ready_at: i64,
    pub expires_at: i64,
    pub fails: bool,
    pub read: bool,
    /// Nobody but the service knows its ID: the answer was lost.
    pub orphan: bool,
    /// The service has said that it failed, or that it is gone.
    pub ended: bool,
}

pub struct Service {
    pub generations: Vec<Generation>,
    /// Submissions accepted of a job whose last generation could still have been read.
    pub paid_twice: usize,
    last: HashMap<usize, usize>,
    window: VecDeque<i64>,
}

pub struct Refusal {
    pub cause: Cause,
    pub retry_after: Option<Duration>,
}

pub enum Answer {
    InProgress,
    Completed,
    Failed,
    Missing,
    KeyRefused,
    Trouble(backoff::FailureScope, Option<Duration>),
}

impl Service {
    pub fn new() -> Self {
        Self {
            generations: vec![],
            paid_twice: 0,
            last: HashMap::new(),
            window: VecDeque::new(),
        }
    }

    /// A submission arrives whole.
    pub fn submit(
        &mut self,
        script: &Script,
        dice: &mut Dice,
        job: usize,
        now: i64,
    ) -> Result<usize, Refusal> {
        let refuse = |cause| {
            Err(Refusal {
                cause,
                retry_after: None,
            })
        };
        if script.has(now, Trouble::Unreachable) {
            return refuse(Cause::Unreachable);
        }
        if script.has(now, Trouble::ServerError) || dice.chance(0.001) {
            return refuse(Cause::ServiceFailed);
        }
        if script.has(now, Trouble::Refusing) || !self.enter(script, now) {
            return Err(Refusal {
                cause: Cause::RateLimited,
                retry_after: retry_after(dice),
            });
        }
        if script.has(now, Trouble::KeyRefused) {
            return refuse(Cause::KeyRefused);
        }
        if script.has(now, Trouble::NoCredit) {
            return refuse(Cause::NoCredit);
        }
        if is_bad(job) {
            return refuse(Cause::Permanent);
        }
        let slow = script.has(now, Trouble::Slow);
        let median = if slow { 400 * SECOND } else { 40 * SECOND };
        self.generations.push(Generation {
            visible_at: now + dice.between(0, 2 * SECOND),
            ready_at: now + dice.service_time(median),
            expires_at: now + RETENTION,
            fails: dice.chance(0.001),
            read: false,
            orphan: false,
            ended: false,
        });
        let id = self.generations.len() - 1;
        if let Some(before) = self.last.insert(job, id) {
            let before = &self.generations[before];
            self.paid_twice += usize::from(!before.orphan && !before.ended);
        }
        Ok(id)
    }

    fn enter(&mut self, script: &Script, now: i64) -> bool {
        while self.window.front().is_some_and(|at| now - at >= MINUTE) {
            self.window.pop_front();
        }
        let open = script
            .limit(now)
            .is_none_or(|limit| self.window.len() < limit);
        if open {
            self.window.push_back(now);
        }
        open
    }

    /// A poll arrives, and is answered at once.
    pub fn poll(&mut self, script: &Script, dice: &mut Dice, id: usize, now: i64) -> Answer {
        if script.has(now, Trouble::Unreachable) || script.has(now, Trouble::ServerError) {
            return Answer::Trouble(backoff::FailureScope::Unclear, None);
        }
        if script.has(now, Trouble::Refusing) {
            return Answer::Trouble(backoff::FailureScope::AllRequests, retry_after(dice));
        }
        if script.has(now, Trouble::KeyRefused) {
            return Answer::KeyRefused;
        }
        let generation = &mut self.generations[id];
        if now >= generation.expires_at {
            generation.ended = true;
            return Answer::Missing;
        }
        if now < generation.visible_at {
            return Answer::Missing;
        }
        if now < generation.ready_at {
            return Answer::InProgress;
        }
        generation.ended = generation.fails;
        generation.read = !generation.fails;
        if generation.fails {
            Answer::Failed
        } else {
            Answer::Completed
        }
    }
}

/// Some recordings are none, which the service says for good.
pub fn is_bad(job: usize) -> bool {
    job % 997 == 13
}

fn retry_after(dice: &mut Dice) -> Option<Duration> {
    let told = dice.chance(0.5);
    told.then(|| Duration::from_millis(dice.between(SECOND, 2 * MINUTE) as u64))
}
