//! The machine that runs nightscribe: the stages over a virtual clock. The decisions are the product's own: the gate,
//! the schedule, the paces and the policies.

use super::checks::Checks;
use super::desk::Desk;
use super::dice::Dice;
use super::script::{HOUR, Script};
use super::service::{RETENTION, Service};
use governor::clock::FakeRelativeClock;
use nightscribe::domain::on_uncertain::OnUncertain;
use nightscribe::domain::transition::JobEvent;
use nightscribe::domain::{Hold, HoldKind, Timestamp};
use nightscribe::pipeline::Clock;
use nightscribe::pipeline::admission::{Admission, ModelPermit, Permit};
use nightscribe::pipeline::stages::poll::schedule::{PollSchedule, PolledGeneration};
use nightscribe::pipeline::submit_rate::SubmitRate;
use nightscribe::policy::backoff::Backoff;
use nightscribe::policy::hours::SubmitWindow;
use nightscribe::policy::latency::LatencyEstimator;
use nightscribe::policy::outcome::Rules;
use nightscribe::policy::polling::PollPolicy;
use nightscribe::runtime::rate_limiter::RateLimiter;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A configuration.
pub struct Limits {
    pub submits_per_minute: u32,
    pub polls_per_minute: u32,
    pub max_uploads: usize,
    pub capacity: usize,
}

/// The clock on the wall, which can be set, and the steady one, which stands still while the machine sleeps.
#[derive(Default)]
pub struct WallClock {
    wall: AtomicI64,
    steady: AtomicI64,
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Timestamp {
        Timestamp::from_millis(self.steady.load(Ordering::Relaxed))
    }
}

/// Something that comes at its time.
pub enum Coming<'g> {
    /// The machine looks what it may do.
    Look,
    /// The script changes something.
    Change,
    /// The end of an upload, with what became of it if the machine fell asleep.
    Sent(Flight<'g>),
    Polled(Box<PolledGeneration>, Moment),
    /// The end of a search of the request log for these jobs.
    Searched(Vec<usize>, Moment),
    Saved(usize),
}

/// When a request left: by both clocks, and truly.
#[derive(Clone, Copy)]
pub struct Moment {
    pub wall: Timestamp,
    pub steady: Timestamp,
    pub at: i64,
}

/// A submission whose answer was lost.
#[derive(Clone, Copy)]
pub struct Uncertain {
    /// When it left.
    pub left: Moment,
    /// Counted look-ups so far.
    pub lookups: u32,
    /// When the next one is due.
    pub due: Timestamp,
}

/// A submission under way.
pub struct Flight<'g> {
    pub job: usize,
    pub left: Moment,
    pub seat: Permit<'g>,
    pub model_permit: ModelPermit<'g>,
}

pub struct Machine<'g> {
    pub script: &'g Script,
    pub gate: &'g Admission,
    pub limits: &'g Limits,
    pub rules: Rules,
    pub dice: Dice,
    pub service: Service,
    pub checks: Checks,
    pub desk: Desk,
    pub schedule: PollSchedule,
    pub times: LatencyEstimator,
    pub tempo: SubmitRate<FakeRelativeClock>,
    pub poll_pace: RateLimiter<FakeRelativeClock>,
    pub at: i64,
    pub wall: Arc<WallClock>,
    pub steady: FakeRelativeClock,
    /// Steps of the clock so far.
    pub clock_steps: usize,
    pub coming: BinaryHeap<Reverse<(i64, usize)>>,
    pub things: Vec<Option<Coming<'g>>>,
    pub free: Vec<usize>,
    pub next_look: i64,
    pub passed: VecDeque<(usize, Permit<'g>)>,
    pub flying: usize,
    pub polls: usize,
    pub uncertain: BTreeMap<usize, Uncertain>,
    pub searching: bool,
    /// Searches that failed in a row.
    pub failed_searches: u32,
    pub recovered: usize,
}

pub const MIDNIGHT: i64 = 1_800_000_000_000;

impl<'g> Machine<'g> {
    pub fn new(
        seed: u64,
        desk: Desk,
        limits: &'g Limits,
        script: &'g Script,
        gate: &'g Admission,
        wall: Arc<WallClock>,
    ) -> Self {
        let steady = FakeRelativeClock::default();
        let per_minute = |count| NonZeroU32::new(count).unwrap();
        let (submits, polls) = (limits.submits_per_minute, limits.polls_per_minute);
        let pace = |count| RateLimiter::with_clock(per_minute(count), steady.clone());
        wall.wall.store(MIDNIGHT, Ordering::Relaxed);
        wall.steady.store(MIDNIGHT, Ordering::Relaxed);
        let mut machine = Self {
            tempo: SubmitRate::with_limiter(per_minute(submits), pace(submits)),
            poll_pace: pace(polls),
            rules: RULES,
            dice: Dice::new(seed),
            service: Service::new(),
            checks: Checks::new(submits as usize, polls as usize),
            desk,
            schedule: PollSchedule::default(),
            times: LatencyEstimator::default(),
            at: 0,
            script,
            gate,
            limits,
            wall,
            steady,
            clock_steps: 0,
            coming: BinaryHeap::new(),
            things: vec![],
            free: vec![],
            next_look: i64::MAX,
            passed: VecDeque::new(),
            flying: 0,
            polls: 0,
            uncertain: BTreeMap::new(),
            searching: false,
            failed_searches: 0,
            recovered: 0,
        };
        for at in script.changes() {
            machine.come(at, Coming::Change);
        }
        machine.come(0, Coming::Look);
        machine
    }

    pub fn now(&self) -> Timestamp {
        self.wall.now()
    }

    pub fn moment(&self) -> Moment {
        Moment {
            wall: self.now(),
            steady: self.wall.steady(),
            at: self.at,
        }
    }

    /// Until every job has ended, or for three days.
    pub fn run(&mut self) {
        while self.desk.open > 0 && self.at < 72 * HOUR {
            let Some(Reverse((at, index))) = self.coming.pop() else {
                break;
            };
            let asleep = self.script.asleep;
            if asleep.holds(at) {
                // Nothing happens on the machine until it wakes.
                let from_script = matches!(self.things[index], Some(Coming::Change));
                if !from_script {
                    self.coming.push(Reverse((asleep.to, index)));
                    continue;
                }
            }
            self.advance(at);
            self.free.push(index);
            let Some(thing) = self.things[index].take() else {
                continue;
            };
            if matches!(thing, Coming::Look) && at < self.next_look {
                // An earlier look has planned anew.
                continue;
            }
            self.happen(thing);
            if !asleep.holds(self.at) {
                self.look();
            }
        }
        self.checks
            .end(self.script, &self.service, &self.desk.states);
    }

    /// Number of entries kept for generations and requests. It is 0 when all are done.
    pub fn held(&self) -> usize {
        self.schedule.len()
            + self.passed.len()
            + self.flying
            + self.polls
            + self.uncertain.len()
            + self.gate.pending()
    }

    fn happen(&mut self, thing: Coming<'g>) {
        match thing {
            Coming::Look => self.next_look = i64::MAX,
            Coming::Change => self.change(),
            Coming::Sent(flight) => {
                self.flying -= 1;
                self.sent(flight);
            }
            Coming::Polled(generation, left) => {
                self.polls -= 1;
                self.polled(*generation, left);
            }
            Coming::Searched(jobs, left) => {
                self.searching = false;
                self.searched(jobs, left);
            }
            Coming::Saved(job) => {
                self.desk
                    .apply(&mut self.checks, self.at, job, JobEvent::Written);
            }
        }
    }

    pub fn come(&mut self, at: i64, thing: Coming<'g>) {
        let index = self.free.pop().unwrap_or(self.things.len());
        if index == self.things.len() {
            self.things.push(None);
        }
        self.things[index] = Some(thing);
        self.coming.push(Reverse((at, index)));
    }

    fn advance(&mut self, to: i64) {
        let step = to - self.at;
        self.at = to;
        self.steady.advance(Duration::from_millis(step as u64));
        self.wall.wall.fetch_add(step, Ordering::Relaxed);
        let awake = MIDNIGHT + to - self.script.asleep.part_before(to);
        self.wall.steady.store(awake, Ordering::Relaxed);
    }

    /// The clock and the holds follow the script.
    fn change(&mut self) {
        while let Some(&(at, by)) = self.script.clock_steps.get(self.clock_steps)
            && self.at >= at
        {
            self.clock_steps += 1;
            self.wall.wall.fetch_add(by, Ordering::Relaxed);
        }
        for &(span, kind) in &self.script.holds {
            if span.holds(self.at) {
                self.gate.hold(self.hold_of(kind));
            } else {
                self.gate.release(kind);
            }
        }
    }

    pub fn hold_of(&self, kind: HoldKind) -> Hold {
        Hold::new(kind, self.now(), String::new())
    }

    /// Whether the machine slept between then and now.
    pub fn broken(&self, left: Moment) -> bool {
        left.at < self.script.asleep.from && self.at >= self.script.asleep.to
    }
}

const RULES: Rules = Rules {
    max_attempts: 5,
    backoff: Backoff {
        initial: Duration::from_secs(10),
        max: Duration::from_secs(900),
    },
    polling: PollPolicy {
        interval: Duration::from_secs(10),
        max_interval: Duration::from_secs(60),
        retention: Duration::from_millis(RETENTION as u64),
    },
    on_uncertain: OnUncertain::Resubmit,
};

/// The state of the gate that a run of these limits begins with.
pub fn gate(limits: &Limits, wall: Arc<WallClock>) -> Admission {
    use nightscribe::pipeline::admission::AdmissionState;
    let admission = nightscribe::policy::admission::AdmissionLimits {
        max_pending: limits.capacity,
        polls_per_minute: limits.polls_per_minute,
        retention: RULES.polling.retention,
    };
    assert_eq!(
        nightscribe::policy::admission::capacity(&admission),
        limits.capacity
    );
    Admission::new(
        AdmissionState::new(
            admission,
            RULES.backoff.capped_by_retention(RULES.polling.retention),
            SubmitWindow::always(),
        ),
        wall,
    )
}
