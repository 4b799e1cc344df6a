//! Notifications. A summary is sent when a run ends and, by a daemon, after each day. A hold that needs a person is
//! reported immediately.
//!
//! A message is stored in the outbox before it is sent, and marked as delivered afterwards.

use crate::domain::price::total_cost;
use crate::domain::{AwaitedResults, NotifyChannel, PriceTable, Problem, Timestamp};
use crate::notify::healthcheck::RunSignal;
use crate::notify::notification::{Cost, CurrentState, FailedRecording, MAX_FAILURES, Totals};
use crate::notify::{Message, Notification};
use crate::pipeline::journal::{Journal, retry_transient};
use crate::pipeline::messages::Messages;
use crate::pipeline::run::Mode;
use crate::policy::backoff::Backoff;
use crate::policy::day::{next_midnight, summary_start};
use crate::policy::delivery::{NextDelivery, Undelivered, next_delivery};
use crate::runtime::clock::sleep_until;
use crate::runtime::failpoint;
use crate::store::StoreError;
use crate::store::sqlite::outbox::Delivery;
use crate::store::sqlite::spending::ModelUsage;
use crate::store::sqlite::summary::FailedJob;
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// How long the end of a run waits for deliveries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Delay of a daily summary after midnight, so that work finished before midnight is recorded.
const SUMMARY_DELAY: Duration = Duration::from_secs(30);

/// The notification task and what it shares with the stages.
pub(crate) struct Notify {
    pub(crate) journal: Arc<Journal>,
    pub(crate) messages: Arc<Messages>,
    pub(crate) prices: PriceTable,
    /// Back-off between two attempts to deliver a message.
    pub(crate) backoff: Backoff,
}

/// Problems and results that are left when the stages have ended.
#[derive(Default)]
pub(crate) struct ClosingState {
    /// Problems that need a person.
    pub(crate) problems: Vec<Problem>,
    /// Paid results that are still at the service.
    pub(crate) awaited: AwaitedResults,
}

/// Prepares the messages that earlier runs left in the outbox for delivery.
///
/// # Errors
/// If the database fails.
pub(crate) async fn reopen_outbox(stage: &Notify) -> Result<(), StoreError> {
    if stage.messages.channels.configured().next().is_none() {
        return Ok(());
    }
    let reopened = stage
        .journal
        .store
        .reopen_outbox(stage.journal.now())
        .await?;
    if reopened.given_up > 0 {
        tracing::warn!(
            messages = reopened.given_up,
            "gave up on messages that were not delivered within three days"
        );
    }
    Ok(())
}

/// Delivers the messages in the outbox until [`finish`]. In a daemon, also sends daily summaries.
pub(crate) async fn notify_all(stage: Arc<Notify>, mode: Mode) {
    let channels = stage.messages.channels.configured();
    let delivering = join_all(channels.map(|channel| deliver_all(&stage, channel)));
    let days = async {
        ping_at_start(&stage, mode).await;
        if mode == Mode::Daemon {
            summarize_days(&stage).await;
        }
    };
    tokio::join!(delivering, days);
}

/// Reports the start of the run to the monitor. A daemon does not end like a scheduled job, so it reports success.
async fn ping_at_start(stage: &Notify, mode: Mode) {
    let signal = match mode {
        Mode::Once | Mode::Queued => RunSignal::Start,
        Mode::Daemon => RunSignal::Success,
    };
    ping(stage, signal).await;
}

/// Tells the monitor how the run, or the day of a daemon, has gone.
async fn ping_state(stage: &Notify, problems: &[Problem]) {
    let mut holds = stage.journal.admission.holds().into_iter();
    let needs_person = holds.any(|hold| hold.kind.needs_action()) || !problems.is_empty();
    let signal = match needs_person || stage.messages.tally.failed() > 0 {
        true => RunSignal::Failure,
        false => RunSignal::Success,
    };
    ping(stage, signal).await;
}

async fn ping(stage: &Notify, signal: RunSignal) {
    let Some(healthcheck) = stage.messages.channels.healthcheck() else {
        return;
    };
    let Messages { host, tally, .. } = &*stage.messages;
    let (done, failed) = (tally.done(), tally.failed());
    let text = format!("nightscribe on {host}: {done} done, {failed} failed");
    if let Err(reason) = healthcheck.ping(signal, text).await {
        tracing::warn!(reason, "cannot ping `notify.healthcheck`");
    }
}

/// Sends the summary of the run after the stages have ended, and waits up to 30 seconds for all deliveries. A run that
/// goes on with another configuration has no `closing` state, and sends none.
pub(crate) async fn finish(
    stage: &Notify,
    messages: AbortOnDropHandle<()>,
    closing: Option<ClosingState>,
) {
    let end_by = stage.journal.now().after(DELIVERY_TIMEOUT);
    let delivered = async {
        if let Some(closing) = &closing
            && stage.messages.channels.configured().next().is_some()
        {
            let summarize = || summarize(stage, stage.journal.now(), closing);
            let summarized = retry_transient(summarize, |_| true).await;
            summarized.unwrap_or_else(|error| log_summary_error(&error));
        }
        stage.messages.outbox_changed.send_replace(Some(end_by));
        let ended = messages.await;
        if let Some(closing) = &closing {
            ping_state(stage, &closing.problems).await;
        }
        ended
    };
    match tokio::time::timeout(DELIVERY_TIMEOUT, delivered).await {
        Ok(Ok(())) => report_undelivered(stage).await,
        Ok(Err(error)) => {
            tracing::error!(error = %error, "the notification task ended unexpectedly")
        }
        Err(_) => {
            tracing::warn!(
                "some messages were not delivered in time; they will be sent at the next start"
            );
        }
    }
}

/// Reports each channel with messages that wait for the next start.
async fn report_undelivered(stage: &Notify) {
    for channel in stage.messages.channels.configured() {
        let waiting = stage.journal.store.next_delivery(channel).await;
        if waiting.is_ok_and(|waiting| waiting.is_some()) {
            tracing::warn!(
                channel = channel.as_str(),
                "some messages were not delivered; they will be sent at the next start"
            );
        }
    }
}

fn log_summary_error(error: &StoreError) {
    tracing::error!(error = %error, "failed to store the summary; the next one will cover the same time");
}

/// Delivers the messages of one channel, one after another.
async fn deliver_all(stage: &Notify, channel: NotifyChannel) {
    let mut outbox_changed = stage.messages.outbox_changed.subscribe();
    loop {
        let end_by = *outbox_changed.borrow_and_update();
        let waiting =
            match retry_transient(|| stage.journal.store.next_delivery(channel), |_| true).await {
                Ok(waiting) => waiting,
                Err(error) => return log_delivery_error(channel, &error),
            };
        let due = (waiting.as_ref()).map_or(Timestamp::MAX, |delivery| delivery.due_at);
        if let Some(delivery) = waiting.filter(|_| due <= stage.journal.now()) {
            match deliver(stage, &delivery).await {
                Ok(()) => continue,
                Err(error) => return log_delivery_error(channel, &error),
            }
        }
        if end_by.is_some_and(|end| due > end) {
            return;
        }
        tokio::select! {
            _changed = outbox_changed.changed() => {}
            () = sleep_until(&*stage.journal.clock, due) => {}
        }
    }
}

fn log_delivery_error(channel: NotifyChannel, error: &StoreError) {
    tracing::error!(channel = channel.as_str(), error = %error, "deliveries stopped on a database error; they resume at the next start");
}

async fn deliver(stage: &Notify, delivery: &Delivery) -> Result<(), StoreError> {
    let (store, channel) = (&stage.journal.store, delivery.channel);
    if delivery.was_interrupted {
        tracing::info!(
            channel = channel.as_str(),
            id = delivery.message_id,
            "sending a message again under the same ID: the last run ended while sending it"
        );
    }
    retry_transient(
        || store.start_delivery(delivery.id, stage.journal.now()),
        |_| true,
    )
    .await?;
    let letter = Message {
        id: &delivery.message_id,
        at: delivery.created_at,
        sent_at: stage.journal.now(),
        subject: delivery.subject.as_deref().unwrap_or_default(),
        body: &delivery.body,
    };
    let sending = stage.messages.channels.send(channel, letter);
    match failpoint::around("pipeline.tell.send", sending).await {
        Ok(()) => {
            tracing::info!(channel = channel.as_str(), "message delivered");
            retry_transient(
                || store.finish_delivery(delivery.id, stage.journal.now()),
                |_| true,
            )
            .await
        }
        Err(not_sent) => {
            let message = Undelivered {
                created_at: delivery.created_at,
                attempts: delivery.attempts + 1,
                is_rejected: not_sent.permanent,
            };
            let now = stage.journal.now();
            let next = next_delivery(message, now, stage.backoff, rand::random());
            log_failed_attempt(channel, next, &not_sent.reason);
            let reason = &not_sent.reason;
            retry_transient(
                || store.fail_delivery(delivery.id, next, reason, now),
                |_| true,
            )
            .await
        }
    }
}

/// Logs a failed attempt. An attempt that is repeated soon needs nobody.
fn log_failed_attempt(channel: NotifyChannel, next: NextDelivery, reason: &str) {
    let (channel, next_step) = (channel.as_str(), next_step(next));
    match next {
        NextDelivery::At(_) => {
            tracing::info!(channel, reason, "failed to deliver a message; {next_step}")
        }
        NextDelivery::AtNextStart | NextDelivery::GiveUp => {
            tracing::warn!(channel, reason, "failed to deliver a message; {next_step}")
        }
    }
}

const fn next_step(next: NextDelivery) -> &'static str {
    match next {
        NextDelivery::At(_) => "it will be sent again",
        NextDelivery::AtNextStart => "it will be sent again at the next start",
        NextDelivery::GiveUp => "it will not be sent again",
    }
}

/// Stores a summary shortly after the end of each day and pings the monitor, until the stages have ended.
async fn summarize_days(stage: &Notify) {
    let zone = TimeZone::system();
    while let Some(midnight) = next_midnight(stage.journal.now(), &zone) {
        let due = midnight.after(SUMMARY_DELAY);
        tokio::select! {
            () = stage.journal.signals.stages_ended.cancelled() => return,
            () = sleep_until(&*stage.journal.clock, due) => {}
        }
        // The sleep ends early if the clock was set back.
        if stage.journal.now() >= due {
            let state = ClosingState {
                problems: stage.messages.tally.source_problems(),
                ..ClosingState::default()
            };
            if stage.messages.channels.configured().next().is_some() {
                let summarize = || summarize(stage, midnight, &state);
                let summarized = retry_transient(summarize, |_| true).await;
                summarized.unwrap_or_else(|error| log_summary_error(&error));
            }
            ping_state(stage, &state.problems).await;
        }
    }
}

/// Stores a summary of the jobs that ended since the last one in the outbox. Stores nothing if there is nothing to
/// report.
async fn summarize(
    stage: &Notify,
    until: Timestamp,
    closing: &ClosingState,
) -> Result<(), StoreError> {
    let (store, began) = (&stage.journal.store, stage.messages.began);
    let summarized_until = store.summarized_until().await?.unwrap_or(began);
    let since = summary_start(summarized_until, began, until);
    let ended = store.summary_between(since, until, MAX_FAILURES).await?;
    let ended = Totals {
        done: ended.done,
        failed: ended.failed,
        warned: ended.warned,
        failures: ended.failures.into_iter().map(failed_item).collect(),
        audio_s: ended.audio_s,
        cost: cost(&stage.prices, &ended.billed),
    };
    let origin = stage.messages.origin(stage.journal.now());
    let span = stage.messages.period(since, until);
    let holds = [stage.journal.admission.holds(), store.source_holds().await?].concat();
    let state = CurrentState {
        holds: &holds,
        problems: &closing.problems,
        awaited: closing.awaited,
    };
    let Some(message) = Notification::summary(origin, span, ended, state) else {
        return Ok(());
    };
    store
        .enqueue_summary(stage.messages.encode(&message), until)
        .await?;
    stage.messages.outbox_changed.send_modify(|_| ());
    Ok(())
}

/// Returns the billed amount in money, or `None` if a price is not known.
fn cost(prices: &PriceTable, billed: &[ModelUsage]) -> Option<Cost> {
    let costs = billed.iter().map(|item| item.cost(prices));
    Some(Cost {
        amount: total_cost(costs)?,
        currency: prices.currency()?.to_owned(),
    })
}

fn failed_item(job: FailedJob) -> FailedRecording {
    FailedRecording::new(job.id, job.location.readable(), job.failure)
}
