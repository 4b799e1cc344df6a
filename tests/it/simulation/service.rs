//! The scripted service. It lives by the true time.

use super::dice::Dice;
use super::script::{HOUR, MINUTE, SECOND, Script, Trouble};
use nightscribe::policy::outcome::Answer;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A request that the log lists is found within this time: failing searches are repeated after three minutes at most.
const LONG_ENOUGH_TO_FIND: i64 = 5 * MINUTE;

/// How long a transcription is kept.
pub const RETENTION: i64 = HOUR;

#[derive(Debug, Clone)]
pub struct Generation {
    /// When the submission was accepted.
    pub created: i64,
    /// From when on a poll finds it.
    pub visible_at: i64,
    /// From when on the request log lists it.
    pub listed_at: i64,
    pub ready_at: i64,
    pub expires_at: i64,
    pub fails: bool,
    pub read: bool,
    /// Only the service knows its ID: the answer was lost.
    pub orphan: bool,
    /// From when on its ID was known here.
    pub known_at: i64,
    /// The service has said that it failed, or that it is gone.
    pub ended: bool,
}

pub struct Service {
    pub generations: Vec<Generation>,
    /// Submissions accepted of a job whose last generation could still have been read or found.
    pub paid_twice: usize,
    /// Submissions accepted of a job whose last generation could not be found, as the request log did not answer.
    pub paid_uncertain: usize,
    last: HashMap<usize, usize>,
    window: VecDeque<i64>,
}

/// An answer with its `Retry-After`.
pub type Reply = (Answer, Option<Duration>);

impl Service {
    pub fn new() -> Self {
        Self {
            generations: vec![],
            paid_twice: 0,
            paid_uncertain: 0,
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
    ) -> Result<usize, Reply> {
        let refuse = |answer| Err((answer, None));
        if script.has(now, Trouble::Unreachable) {
            return refuse(Answer::Unreachable);
        }
        if script.has(now, Trouble::ServerError) || dice.chance(0.001) {
            return refuse(Answer::ServerError);
        }
        if script.has(now, Trouble::Refusing) || !self.enter(script, now) {
            return Err((Answer::RateLimited, retry_after(dice)));
        }
        if script.has(now, Trouble::KeyRefused) {
            return refuse(Answer::KeyRefused);
        }
        if script.has(now, Trouble::NoCredit) {
            return refuse(Answer::NoCredit);
        }
        if is_bad(job) {
            return refuse(Answer::Refused);
        }
        match model_of(job) {
            WITHDRAWN => return refuse(Answer::ModelGone { is_certain: true }),
            SICK if script.has(now, Trouble::ModelFails) => return refuse(Answer::ModelFailing),
            _ => {}
        }
        let slow = script.has(now, Trouble::Slow);
        let median = if slow { 400 * SECOND } else { 40 * SECOND };
        let ready_at = now + dice.service_time(median);
        let listed = dice.between(0, 5 * SECOND);
        let from = if script.lists_finished { ready_at } else { now };
        self.generations.push(Generation {
            created: now,
            listed_at: from + listed,
            known_at: now,
            visible_at: now + dice.between(0, 2 * SECOND),
            ready_at,
            expires_at: now + RETENTION,
            fails: dice.chance(0.001),
            read: false,
            orphan: false,
            ended: false,
        });
        let id = self.generations.len() - 1;
        if let Some(before) = self.last.insert(job, id) {
            let before = &self.generations[before];
            let until = now.min(before.expires_at);
            let could_be_found =
                before.orphan && script.searchable(before.listed_at, until) >= LONG_ENOUGH_TO_FIND;
            let twice = !before.ended && (!before.orphan || could_be_found);
            self.paid_twice += usize::from(twice);
            self.paid_uncertain += usize::from(before.orphan && !could_be_found);
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

    /// Answers a poll.
    pub fn poll(&mut self, script: &Script, dice: &mut Dice, id: usize, now: i64) -> Reply {
        if let Some(reply) = unavailable(script, dice, now) {
            return reply;
        }
        let generation = &mut self.generations[id];
        let answer = if now >= generation.expires_at {
            generation.ended = true;
            Answer::NotFound
        } else if now < generation.visible_at {
            Answer::NotFound
        } else if now < generation.ready_at {
            Answer::InProgress
        } else if generation.fails {
            generation.ended = true;
            Answer::TranscriptionFailed
        } else {
            generation.read = true;
            Answer::Completed
        };
        (answer, None)
    }

    /// Answers a search of the request log for submissions of `jobs`, each made at the true time beside it.
    ///
    /// Returns the generation of each job that the log lists.
    pub fn search(
        &self,
        script: &Script,
        dice: &mut Dice,
        jobs: &[(usize, i64)],
        now: i64,
    ) -> Result<HashMap<usize, usize>, Reply> {
        if let Some(reply) = unavailable(script, dice, now) {
            return Err(reply);
        }
        if script.has(now, Trouble::LogFails) {
            return Err((Answer::ServerError, None));
        }
        if script.has(now, Trouble::NoLog) {
            return Err((Answer::NoRequestLog, None));
        }
        let listed = |id: &usize| self.generations[*id].listed_at <= now;
        let found = jobs.iter().filter_map(|(job, sent)| {
            let id = *self.last.get(job).filter(|id| listed(id))?;
            (self.generations[id].created >= *sent).then_some((*job, id))
        });
        Ok(found.collect())
    }
}

fn unavailable(script: &Script, dice: &mut Dice, now: i64) -> Option<Reply> {
    if script.has(now, Trouble::Unreachable) {
        return Some((Answer::Unreachable, None));
    }
    if script.has(now, Trouble::ServerError) {
        return Some((Answer::ServerError, None));
    }
    if script.has(now, Trouble::Refusing) {
        return Some((Answer::RateLimited, retry_after(dice)));
    }
    script
        .has(now, Trouble::KeyRefused)
        .then_some((Answer::KeyRefused, None))
}

/// A model that the service no longer offers.
pub const WITHDRAWN: &str = "withdrawn";
/// A model that fails for a time.
pub const SICK: &str = "sick";

/// The model of a recording.
pub fn model_of(job: usize) -> &'static str {
    match job % 20 {
        7 => SICK,
        11 => WITHDRAWN,
        _ => "healthy",
    }
}

/// Some recordings are none, which the service says for good.
pub fn is_bad(job: usize) -> bool {
    job % 997 == 13
}

fn retry_after(dice: &mut Dice) -> Option<Duration> {
    let longest = if dice.chance(0.02) { HOUR } else { 2 * MINUTE };
    let told = dice.chance(0.5);
    told.then(|| Duration::from_millis(dice.between(SECOND, longest) as u64))
}
