//! What follows from an answer, as in the stages of the pipeline.

use super::machine::{Coming, Flight, Machine, Moment};
use super::script::MINUTE;
use super::service::Answer;
use nightscribe::domain::transition::JobEvent;
use nightscribe::domain::{AttemptId, GenerationId, HoldKind, JobId, Timestamp};
use nightscribe::pipeline::stages::poll::schedule::PolledGeneration;
use nightscribe::policy::backoff::FailureScope;
use nightscribe::policy::retry::{Cause, Verdict, verdict};
use nightscribe::store::sqlite::queue::PendingJob;
use std::path::PathBuf;
use std::time::Duration;

const MAX_ATTEMPTS: u32 = 5;
/// A transcript that can be read is, within this time: a first poll may be as late as half the retention.
const LATEST: i64 = 31 * MINUTE;

impl<'g> Machine<'g> {
    pub fn sent(&mut self, flight: Flight<'g>) {
        let (job, began) = (flight.job, flight.left.wall);
        let broken = self.broken(flight.left);
        match self.arrive(job, broken) {
            Ok(id) => self.accepted(job, id, began),
            Err(refusal) => self.refused(job, began, refusal.cause, refusal.retry_after),
        }
        drop(flight.seat);
    }

    fn accepted(&mut self, job: usize, id: usize, began: Timestamp) {
        let now = self.now();
        self.gate.record_success();
        self.tempo.record_accepted(began, now);
        self.step(job, JobEvent::Accepted);
        self.gate.add_pending();
        let pending = PendingJob {
            job: JobId(job as i64),
            attempt: AttemptId(id as i64),
            generation: GenerationId::new(id.to_string()).unwrap(),
            accepted_at: now,
            expires_at: now.after(self.polling.retention),
            attempts: self.desk.attempts[job],
            model: String::new(),
            duration_s: None,
            relative: PathBuf::new(),
        };
        let expected = self.times.expected("", None);
        let first = self.polling.first_poll(now, expected);
        self.schedule
            .insert(PolledGeneration::new(pending, expected.is_some()), first);
        for kind in [HoldKind::Auth, HoldKind::Credit] {
            self.gate.release(kind);
        }
    }

    fn refused(&mut self, job: usize, began: Timestamp, cause: Cause, wait: Option<Duration>) {
        let now = self.now();
        if cause == Cause::RateLimited {
            self.checks.too_many += 1;
            self.tempo.record_rate_limited(began, now);
        }
        let wait_until = match cause {
            Cause::RateLimited => self.slow_down(began, job, FailureScope::AllRequests, wait),
            Cause::Unreachable | Cause::ServiceFailed | Cause::Uncertain => {
                self.slow_down(began, job, FailureScope::Unclear, wait)
            }
            _ => now,
        };
        let attempts = self.desk.attempts[job];
        match verdict(cause, attempts, MAX_ATTEMPTS, self.gate.is_outage()) {
            Verdict::Hold(kind) => {
                self.put_back(job, now, false);
                self.gate.hold_refused(self.hold_of(kind));
                if kind == HoldKind::Credit {
                    self.gate.release(HoldKind::Auth);
                }
            }
            Verdict::Wait => {
                self.put_back(job, wait_until, false);
            }
            Verdict::Retry => {
                let wait = self.backoff.delay(attempts, self.dice.unit());
                self.put_back(job, now.after(wait), true);
            }
            Verdict::Fail => self.step(job, JobEvent::Failed),
        }
    }

    pub fn polled(&mut self, generation: PolledGeneration, left: Moment) {
        let pending = &generation.pending;
        let (job, id) = (pending.job.0 as usize, pending.attempt.0 as usize);
        let now = self.now();
        let began = left.wall;
        let answer = self.ask(id, self.broken(left));
        self.schedule.finish(pending.attempt);
        if matches!(
            answer,
            Answer::InProgress | Answer::Completed | Answer::Failed
        ) {
            self.gate.record_success();
        }
        match answer {
            Answer::InProgress => self.unfinished(generation, began),
            Answer::Completed => self.completed(&generation),
            Answer::Failed => self.lost(job),
            Answer::Missing if self.polling.in_grace_period(now, pending.accepted_at) => {
                self.unfinished(generation, began);
            }
            Answer::Missing => self.lost(job),
            Answer::KeyRefused => {
                self.gate.hold_refused(self.hold_of(HoldKind::Auth));
                self.again(generation, None);
            }
            Answer::Trouble(trouble, wait) => {
                let due = self.slow_down(began, job, trouble, wait);
                let generation = PolledGeneration {
                    last_unfinished_at: None,
                    ..generation
                };
                self.schedule.insert(generation, due);
            }
        }
    }

    fn completed(&mut self, generation: &PolledGeneration) {
        let (pending, now) = (&generation.pending, self.now());
        let job = pending.job.0 as usize;
        let ready_at = self.service.generations[pending.attempt.0 as usize].ready_at;
        let in_time = self.script.readable(ready_at, self.at) <= LATEST;
        self.checks
            .must(in_time, "a transcript is fetched soon after it is ready");
        if let Some(taken) = generation.latency_bounds(now) {
            self.times.record("", None, taken, now);
        }
        self.step(job, JobEvent::Completed);
        let saving = self.dice.between(5, 200);
        self.come(self.at + saving, Coming::Saved(job));
    }

    fn unfinished(&mut self, generation: PolledGeneration, began: Timestamp) {
        let deadline = self.polling.deadline(generation.pending.expires_at);
        if self.now() >= deadline {
            return self.lost(generation.pending.job.0 as usize);
        }
        self.again(generation, Some(began));
    }

    fn again(&mut self, mut generation: PolledGeneration, unfinished_at: Option<Timestamp>) {
        let (now, expires_at) = (self.now(), generation.pending.expires_at);
        generation.last_unfinished_at = unfinished_at;
        let waited = generation.waited(now);
        let due = self
            .polling
            .next_poll(now, generation.polls, waited, Duration::ZERO, expires_at);
        self.schedule.insert(generation, due);
    }

    fn lost(&mut self, job: usize) {
        let (now, attempts) = (self.now(), self.desk.attempts[job]);
        match verdict(Cause::Lost, attempts, MAX_ATTEMPTS, false) {
            Verdict::Fail => self.step(job, JobEvent::Failed),
            _ => {
                let wait = self.backoff.delay(attempts, self.dice.unit());
                self.put_back(job, now.after(wait), true);
            }
        }
    }

    fn put_back(&mut self, job: usize, due: Timestamp, spent: bool) {
        self.step(job, JobEvent::Requeued);
        self.desk.attempts[job] -= u32::from(!spent);
        self.desk.enqueue(job, due);
    }

    fn slow_down(
        &mut self,
        began: Timestamp,
        job: usize,
        trouble: FailureScope,
        wait: Option<Duration>,
    ) -> Timestamp {
        let (job, jitter) = (JobId(job as i64), self.dice.unit());
        self.gate.record_failure(began, job, trouble, wait, jitter)
    }

    fn step(&mut self, job: usize, event: JobEvent) {
        self.desk.apply(&mut self.checks, self.at, job, event);
    }
}
