//! Effects of answers. The product decides, and the effect is applied here as in the stages of the pipeline.

use super::machine::{Coming, Flight, Machine, Moment, Uncertain};
use super::script::MINUTE;
use super::service::{Reply, model_of};
use nightscribe::domain::transition::JobEvent;
use nightscribe::domain::{AttemptId, GenerationId, HoldKind, JobId, Timestamp};
use nightscribe::pipeline::Clock;
use nightscribe::pipeline::lane::{Answered, Observation, observe};
use nightscribe::pipeline::stages::poll::schedule::PolledGeneration;
use nightscribe::policy::outcome::{Answer, Call, Effect, Facts, JobChange, decide};
use nightscribe::runtime::clock::Reading;
use nightscribe::store::sqlite::queue::PendingJob;
use std::path::PathBuf;
use std::time::Duration;

/// A transcript that can be read is, within this time: a first poll may be as late as half the retention.
const LATEST: i64 = 31 * MINUTE;

impl<'g> Machine<'g> {
    pub fn sent(&mut self, flight: Flight<'g>) {
        let (job, left) = (flight.job, flight.left);
        let arrived = self.arrive(job, self.broken(left));
        let reply = arrived.map_or_else(|reply| reply, |_| (Answer::Accepted, None));
        let seen = self.observe(job, reply, Call::Submission, left);
        let effect = self.decide(job, reply.0, Call::Submission, seen);
        let hold = effect.hold.map(|kind| self.begin_hold(kind));
        match (effect.change, arrived) {
            (JobChange::Accept, Ok(id)) => self.accepted(job, id, JobEvent::Accepted, self.now()),
            (JobChange::LookUp, _) => {
                self.step(job, JobEvent::Requeued);
                let uncertain = Uncertain {
                    left,
                    lookups: 0,
                    due: self.now(),
                };
                self.uncertain.insert(job, uncertain);
                self.gate.update_uncertain(self.uncertain.len());
            }
            (change, _) => self.end_attempt(job, change),
        }
        self.checks.must(
            hold.is_none() || self.gate.holds().iter().any(|held| held.kind.is_probed()),
            "a hold begins before its job is requeued",
        );
        drop(flight.model_permit);
        drop(flight.seat);
    }

    pub fn polled(&mut self, mut generation: PolledGeneration, left: Moment) {
        let pending = &generation.pending;
        let (job, id) = (pending.job.0 as usize, pending.attempt.0 as usize);
        let reply = self.ask(id, self.broken(left));
        self.schedule.finish(pending.attempt);
        let call = generation.call(self.wall.steady());
        let seen = self.observe(job, reply, call, left);
        let effect = self.decide(job, reply.0, call, seen);
        if let Some(kind) = effect.hold {
            self.begin_hold(kind);
        }
        match effect.change {
            JobChange::Complete => self.completed(&generation),
            JobChange::PollAgain { unfinished, due } => {
                generation.record(reply.0, left.steady);
                self.poll_again(generation, unfinished.then_some(left.steady), due);
            }
            change => self.end_attempt(job, change),
        }
    }

    /// The end of a search for `jobs`. One that sleep broke brought no answer.
    pub fn searched(&mut self, jobs: Vec<usize>, left: Moment) {
        let wanted: Vec<_> = jobs
            .iter()
            .map(|job| (*job, self.uncertain[job].left.at))
            .collect();
        let result = if self.broken(left) {
            Err((Answer::Unreachable, None))
        } else {
            self.service
                .search(self.script, &mut self.dice, &wanted, self.at)
        };
        match result {
            Ok(found) => {
                self.failed_searches = 0;
                self.gate.release(HoldKind::Auth);
                for job in jobs {
                    match found.get(&job) {
                        Some(id) => self.found(job, *id),
                        None => self.not_found(job, Answer::Unlisted, self.now()),
                    }
                }
            }
            Err(reply) => {
                self.failed_searches += 1;
                let backoff = self.rules.backoff;
                let delays = backoff.capped_by_retention(self.rules.polling.retention);
                let wait = delays.delay(self.failed_searches, self.dice.unit());
                let wait_until = self.now().after(wait);
                for job in jobs {
                    self.not_found(job, reply.0, wait_until);
                }
            }
        }
        self.gate.update_uncertain(self.uncertain.len());
    }

    fn look_up_of(&self, job: usize) -> Call {
        let Uncertain { left, lookups, .. } = self.uncertain[&job];
        Call::LookUp {
            age: self.wall.steady().since(left.steady),
            lookups,
        }
    }

    fn found(&mut self, job: usize, id: usize) {
        self.recovered += 1;
        let at = self.at;
        let uncertain = self.uncertain.remove(&job);
        let generation = &mut self.service.generations[id];
        generation.orphan = false;
        generation.known_at = at;
        let created = uncertain.map_or(self.now(), |one| one.left.wall.min(self.now()));
        self.accepted(job, id, JobEvent::Recovered, created);
    }

    fn not_found(&mut self, job: usize, answer: Answer, wait_until: Timestamp) {
        let seen = Observation {
            outage: false,
            wait_until,
        };
        let effect = self.decide(job, answer, self.look_up_of(job), seen);
        if let Some(kind) = effect.hold {
            self.begin_hold(kind);
        }
        match effect.change {
            JobChange::LookUpAgain { due, counted } => {
                if let Some(one) = self.uncertain.get_mut(&job) {
                    one.due = due;
                    one.lookups += u32::from(counted);
                }
            }
            JobChange::Requeue { due, .. } => {
                self.uncertain.remove(&job);
                self.desk.enqueue(job, due);
            }
            JobChange::Fail { .. } => {
                self.uncertain.remove(&job);
                self.step(job, JobEvent::Failed);
            }
            _ => self.checks.must(false, "a look-up ends as a look-up can"),
        }
    }

    fn accepted(&mut self, job: usize, id: usize, event: JobEvent, accepted_at: Timestamp) {
        self.step(job, event);
        self.gate.add_pending();
        let polling = self.rules.polling;
        let pending = PendingJob {
            job: JobId(job as i64),
            attempt: AttemptId(id as i64),
            generation: GenerationId::new(id.to_string()).unwrap(),
            accepted_at,
            expires_at: accepted_at.after(polling.retention),
            attempts: self.desk.attempts[job],
            model: String::new(),
            duration_s: None,
            sha256: None,
            has_unusable_answer: false,
            relative: PathBuf::new(),
        };
        let expected = self.times.expected("", None);
        let generation = PolledGeneration::new(pending, expected.is_some(), self.clocks());
        let first = polling.first_poll(generation.accepted_at, expected);
        self.schedule.insert(generation, first);
        if event == JobEvent::Accepted {
            for kind in [HoldKind::Auth, HoldKind::Credit] {
                self.gate.release(kind);
            }
        }
    }

    fn completed(&mut self, generation: &PolledGeneration) {
        let (pending, now) = (&generation.pending, self.wall.steady());
        let job = pending.job.0 as usize;
        let read = &self.service.generations[pending.attempt.0 as usize];
        let from = read.ready_at.max(read.known_at);
        let in_time = self.script.readable(from, self.at) <= LATEST;
        self.checks
            .must(in_time, "a transcript is fetched soon after it is ready");
        if let Some(latency) = generation.latency_bounds(now) {
            self.times.record("", None, latency, now);
        }
        self.step(job, JobEvent::Completed);
        let saving = self.dice.between(5, 200);
        self.come(self.at + saving, Coming::Saved(job));
    }

    fn poll_again(
        &mut self,
        mut generation: PolledGeneration,
        last_unfinished_at: Option<Timestamp>,
        due: Option<Timestamp>,
    ) {
        let clocks = self.clocks();
        let (now, expires_at) = (clocks.steady, generation.expires_at);
        generation.last_unfinished_at = last_unfinished_at;
        let waited = generation.waited(now);
        let due = due.map_or_else(
            || {
                let polling = self.rules.polling;
                polling.next_poll(now, generation.polls, waited, Duration::ZERO, expires_at)
            },
            |due| clocks.to_steady(due),
        );
        self.schedule.insert(generation, due);
    }

    fn end_attempt(&mut self, job: usize, change: JobChange) {
        match change {
            JobChange::Requeue { due, spent, .. } => {
                self.step(job, JobEvent::Requeued);
                self.desk.attempts[job] -= u32::from(!spent);
                self.desk.enqueue(job, due);
            }
            JobChange::Fail { .. } => self.step(job, JobEvent::Failed),
            _ => self.checks.must(false, "an attempt ends as an attempt can"),
        }
    }

    fn observe(&mut self, job: usize, reply: Reply, call: Call, left: Moment) -> Observation {
        let (answer, retry_after) = reply;
        if call == Call::Submission && answer == Answer::RateLimited {
            self.checks.too_many += 1;
        }
        let answered = Answered {
            answer,
            call,
            job: JobId(job as i64),
            model: model_of(job),
            started_at: left.wall,
            retry_after,
        };
        let (now, jitter) = (self.now(), self.dice.unit());
        observe(self.gate, &self.tempo, &answered, now, jitter)
    }

    pub fn clocks(&self) -> Reading {
        Reading::of(&*self.wall)
    }

    fn decide(&mut self, job: usize, answer: Answer, call: Call, seen: Observation) -> Effect {
        let facts = Facts {
            rules: self.rules,
            call,
            attempts: self.desk.attempts[job],
            outage: seen.outage,
            wait_until: seen.wait_until,
            refused_alike: false,
        };
        decide(answer, &facts, self.now(), self.dice.unit())
    }

    fn begin_hold(&mut self, kind: HoldKind) {
        self.gate.hold_refused(self.hold_of(kind));
        if kind == HoldKind::Credit {
            self.gate.release(HoldKind::Auth);
        }
    }

    fn step(&mut self, job: usize, event: JobEvent) {
        self.desk.apply(&mut self.checks, self.at, job, event);
    }
}
