//! One pass of the machine: it sends submissions and polls, as the stages of the pipeline do.

use super::machine::{Coming, Flight, Machine};
use super::script::HOUR;
use super::service::{Reply, model_of};
use nightscribe::domain::Timestamp;
use nightscribe::domain::transition::JobEvent;
use nightscribe::pipeline::admission::{AdmissionDecision, Permit};
use nightscribe::policy::backoff::CallKind;
use nightscribe::policy::outcome::Answer;
use std::time::Duration;

/// Wait for the answer to a probe of a model.
const PROBE_WAIT: Duration = Duration::from_secs(1);
/// Polls under way at once.
const AT_ONCE: usize = 64;

impl<'g> Machine<'g> {
    fn look_at(&mut self, time: Timestamp) {
        let wait = time.since(self.now()).as_millis().min(HOUR as u128) as i64;
        self.look_in(wait);
    }

    fn look_at_steady(&mut self, time: Timestamp) {
        let time = self.clocks().to_system(time);
        self.look_at(time);
    }

    fn look_in(&mut self, wait: i64) {
        let at = self.at + wait.max(1);
        if at < self.next_look {
            self.next_look = at;
            self.come(at, Coming::Look);
        }
    }

    /// Does what may be done now.
    pub fn look(&mut self) {
        self.poll();
        self.look_up();
        self.submit();
        self.poll();
        let most = self.desk.out + self.uncertain.len() <= self.limits.capacity;
        self.checks.must(most, "generations at the service");
        let uploads = self.flying <= self.limits.max_uploads;
        self.checks.must(uploads, "uploads at once");
    }

    fn submit(&mut self) {
        let now = self.now();
        while self.flying + self.passed.len() < self.limits.max_uploads {
            let Some(job) = self.desk.take(now) else {
                if let Some(due) = self.desk.next_due() {
                    self.look_at(due);
                }
                break;
            };
            match self.gate.try_acquire() {
                Ok(seat) => self.passed.push_back((job, seat)),
                Err(decision) => {
                    self.desk.enqueue(job, now.min(self.now()));
                    if let AdmissionDecision::Until(time) = decision {
                        self.look_at(time);
                    }
                    break;
                }
            }
        }
        while let Some((job, seat)) = self.passed.pop_front() {
            if let Err(wait) = self.tempo.limiter().try_acquire() {
                self.passed.push_front((job, seat));
                self.look_in(wait.as_millis() as i64 + 1);
                return;
            }
            if self.gate.is_still_valid(&seat) {
                self.leave(job, seat);
            } else {
                drop(seat);
                self.desk.enqueue(job, now);
                self.look_in(1);
            }
        }
    }

    fn leave(&mut self, job: usize, seat: Permit<'g>) {
        let Some(model_permit) = self.gate.try_acquire_model(model_of(job)) else {
            drop(seat);
            let probe = self.gate.next_model_probe();
            let again = probe.unwrap_or(self.now().after(PROBE_WAIT));
            self.desk.enqueue(job, again);
            self.look_at(again);
            return;
        };
        let mut holds = self.gate.holds().into_iter();
        let held = holds.any(|hold| !hold.kind.is_probed() || self.probing());
        self.checks.must(!held, "nothing is submitted under a hold");
        self.checks.submission_leaves(self.at);
        self.desk.attempts[job] += 1;
        self.desk
            .apply(&mut self.checks, self.at, job, JobEvent::Claimed);
        self.flying += 1;
        let left = self.moment();
        let upload = self.dice.between(300, 5000);
        let flight = Flight {
            job,
            left,
            seat,
            model_permit,
        };
        self.come(self.at + upload, Coming::Sent(flight));
    }

    /// Whether something that left under a hold is under way.
    fn probing(&self) -> bool {
        self.things.iter().flatten().any(|thing| match thing {
            Coming::Sent(flight) => self
                .gate
                .holds()
                .iter()
                .any(|hold| hold.since < flight.left.wall),
            _ => false,
        })
    }

    fn poll(&mut self) {
        let now = self.now();
        self.schedule.advance_to(self.clocks().steady);
        self.report_pending();
        while self.polls < AT_ONCE && self.schedule.due_count() > 0 {
            let opens_at = self.gate.opens_at(CallKind::Poll);
            if opens_at > now {
                self.look_at(opens_at);
                break;
            }
            if let Err(wait) = self.poll_pace.try_acquire() {
                self.look_in(wait.as_millis() as i64 + 1);
                break;
            }
            let Some(mut generation) = self.schedule.take_nearest_expiry() else {
                break;
            };
            generation.polls += 1;
            self.polls += 1;
            self.checks.poll_leaves(self.at);
            let latency = self.dice.between(50, 500);
            self.come(
                self.at + latency,
                Coming::Polled(Box::new(generation), self.moment()),
            );
        }
        if let Some(due) = self.schedule.next_due() {
            self.look_at_steady(due);
        }
        self.report_pending();
    }

    fn report_pending(&mut self) {
        let clocks = self.clocks();
        let oldest_due = self.schedule.oldest_due().map(|due| clocks.to_system(due));
        self.gate.update_pending(self.schedule.len(), oldest_due);
    }

    /// Searches the request log when a look-up is due and none is in flight.
    fn look_up(&mut self) {
        if self.searching {
            return;
        }
        let now = self.now();
        let due: Vec<_> = self
            .uncertain
            .iter()
            .filter(|(_, one)| one.due <= now)
            .map(|(job, _)| *job)
            .collect();
        if due.is_empty() {
            if let Some(next) = self.uncertain.values().map(|one| one.due).min() {
                self.look_at(next);
            }
            return;
        }
        self.searching = true;
        let latency = self.dice.between(50, 500);
        self.come(self.at + latency, Coming::Searched(due, self.moment()));
    }

    /// Returns what the service answers to a submission. A request that sleep broke was accepted or not; what arrived
    /// is decided when the machine falls asleep.
    pub fn arrive(&mut self, job: usize, broken: bool) -> Result<usize, Reply> {
        let at = if broken {
            self.script.asleep.from
        } else {
            self.at
        };
        let accepted = self.service.submit(self.script, &mut self.dice, job, at)?;
        if broken || self.dice.chance(0.002) {
            self.service.generations[accepted].orphan = true;
            return Err((Answer::Lost, None));
        }
        Ok(accepted)
    }

    pub fn ask(&mut self, id: usize, broken: bool) -> Reply {
        if broken {
            return (Answer::Lost, None);
        }
        self.service.poll(self.script, &mut self.dice, id, self.at)
    }
}
