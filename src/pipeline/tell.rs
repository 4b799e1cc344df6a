//! Notifications. A summary is sent when a run ends and, by a daemon, after each day. A hold that needs a person is
//! reported immediately.
//!
//! A message is stored in the outbox before it is sent, and marked as delivered afterwards.

use super::beside::patiently;
use super::clock::sleep_until;
use super::context::Context;
use super::runner::Mode;
use crate::crash;
use crate::domain::{Channel, Hold, Prices, Timestamp};
use crate::notify::message::{Cost, Ended, Failed, MOST_FAILURES, Span};
use crate::notify::{Letter, Message, text};
use crate::policy::day::{next_midnight, since};
use crate::policy::delivery::{Next, next};
use crate::store::StoreError;
use crate::store::ended::FailedJob;
use crate::store::news::{Draft, News};
use crate::store::outbox::Delivery;
use crate::store::recordings::Location;
use crate::store::spending::Submitted;
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// How long the end of a run waits for deliveries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Delay of a daily summary after midnight, so that work finished before midnight is recorded.
const SUMMARY_DELAY: Duration = Duration::from_secs(30);

/// Prepares the messages that earlier runs left in the outbox for delivery.
///
/// # Errors
/// If the database fails.
pub(super) async fn begin(context: &Context) -> Result<(), StoreError> {
    if context.beside.channels.set().next().is_none() {
        return Ok(());
    }
    let reopened = context.store.begin_telling(context.now()).await?;
    if reopened.given_up > 0 {
        tracing::warn!(
            messages = reopened.given_up,
            "gave up on messages that were not delivered within three days"
        );
    }
    Ok(())
}

/// Delivers the messages in the outbox until [`end`]. In a daemon, also sends daily summaries.
pub(super) async fn tell_all(context: Arc<Context>, mode: Mode) {
    let channels = context.beside.channels.set();
    let delivering = join_all(channels.map(|channel| deliver_all(&context, channel)));
    let days = async {
        if mode == Mode::Daemon && context.beside.channels.set().next().is_some() {
            summarize_days(&context).await;
        }
    };
    tokio::join!(delivering, days);
}

/// Sends the summary of the run after the stages have ended, and waits up to 30 seconds for all deliveries.
pub(super) async fn end(context: &Context, messages: AbortOnDropHandle<()>) {
    let end_by = context.now().after(DELIVERY_TIMEOUT);
    let delivered = async {
        if context.beside.channels.set().next().is_some() {
            let summarized = patiently(|| summarize(context, context.now())).await;
            summarized.unwrap_or_else(|error| log_summary_error(&error));
        }
        context.beside.news.send_replace(Some(end_by));
        messages.await
    };
    match tokio::time::timeout(DELIVERY_TIMEOUT, delivered).await {
        Ok(Ok(())) => {}
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

fn log_summary_error(error: &StoreError) {
    tracing::error!(error = %error, "failed to store the summary; the next one will cover the same time");
}

/// Delivers the messages of one channel, one after another.
async fn deliver_all(context: &Context, channel: Channel) {
    let mut outbox_changed = context.beside.news.subscribe();
    loop {
        let end_by = *outbox_changed.borrow_and_update();
        let waiting = match patiently(|| context.store.next_delivery(channel)).await {
            Ok(waiting) => waiting,
            Err(error) => return log_delivery_error(channel, &error),
        };
        let due = (waiting.as_ref()).map_or(Timestamp::MAX, |delivery| delivery.due_at);
        if let Some(delivery) = waiting.filter(|_| due <= context.now()) {
            match deliver(context, &delivery).await {
                Ok(()) => continue,
                Err(error) => return log_delivery_error(channel, &error),
            }
        }
        if end_by.is_some_and(|end| due > end) {
            return;
        }
        tokio::select! {
            _changed = outbox_changed.changed() => {}
            () = sleep_until(&*context.clock, due) => {}
        }
    }
}

fn log_delivery_error(channel: Channel, error: &StoreError) {
    tracing::error!(channel = channel.as_str(), error = %error, "deliveries stopped on a database error; they resume at the next start");
}

async fn deliver(context: &Context, delivery: &Delivery) -> Result<(), StoreError> {
    let (store, channel) = (&context.store, delivery.channel);
    if delivery.cut_off {
        tracing::info!(
            channel = channel.as_str(),
            id = delivery.message,
            "sending a message again under the same ID: the last run ended while sending it"
        );
    }
    patiently(|| store.begin_delivery(delivery.id, context.now())).await?;
    let letter = Letter {
        id: &delivery.message,
        at: delivery.created_at,
        subject: delivery.subject.as_deref().unwrap_or_default(),
        body: &delivery.body,
    };
    let sending = context.beside.channels.send(channel, letter);
    match crash::around("pipeline.tell.send", sending).await {
        Ok(()) => {
            tracing::info!(channel = channel.as_str(), "message delivered");
            patiently(|| store.delivered(delivery.id, context.now())).await
        }
        Err(not_sent) => {
            let (now, tries) = (context.now(), delivery.tries + 1);
            let (lasting, created_at) = (not_sent.lasting, delivery.created_at);
            let next = next(
                created_at,
                tries,
                lasting,
                now,
                context.backoff(),
                context.jitter(),
            );
            tracing::warn!(
                channel = channel.as_str(),
                reason = not_sent.reason,
                "failed to deliver a message; {}",
                next_step(next)
            );
            let reason = &not_sent.reason;
            patiently(|| store.not_delivered(delivery.id, next, reason, now)).await
        }
    }
}

const fn next_step(next: Next) -> &'static str {
    match next {
        Next::At(_) => "it will be sent again",
        Next::AtNextStart => "it will be sent again at the next start",
        Next::GivenUp => "it will not be sent again",
    }
}

/// Stores a summary shortly after the end of each day, until the stages have ended.
async fn summarize_days(context: &Context) {
    let zone = TimeZone::system();
    while let Some(midnight) = next_midnight(context.now(), &zone) {
        let due = midnight.after(SUMMARY_DELAY);
        tokio::select! {
            () = context.beside.stages_over.cancelled() => return,
            () = sleep_until(&*context.clock, due) => {}
        }
        // The sleep ends early if the clock was set back.
        if context.now() >= due {
            let summarized = patiently(|| summarize(context, midnight)).await;
            summarized.unwrap_or_else(|error| log_summary_error(&error));
        }
    }
}

/// Stores a summary of the jobs that ended since the last one in the outbox. Stores nothing if there is nothing to
/// report.
async fn summarize(context: &Context, until: Timestamp) -> Result<(), StoreError> {
    let (store, began) = (&context.store, context.began);
    let summarized_until = store.told_until().await?.unwrap_or(began);
    let since = since(summarized_until, began, until);
    let ended = store.ended_between(since, until, MOST_FAILURES).await?;
    let ended = Ended {
        done: ended.done,
        failed: ended.failed,
        failures: ended.failures.into_iter().map(failed_item).collect(),
        audio_s: ended.audio_s,
        cost: cost(&context.prices, &ended.billed),
    };
    let (now, span) = (context.now(), span(context, since, until));
    let Some(message) = Message::summary(new_id(), now, span, ended, &context.gate.holds()) else {
        return Ok(());
    };
    store.tell(encode(context, &message), until).await?;
    context.beside.news.send_modify(|_| ());
    Ok(())
}

/// Returns the billed amount in money, or `None` if a price is not known.
fn cost(prices: &Prices, billed: &[Submitted]) -> Option<Cost> {
    let costs = billed
        .iter()
        .map(|item| prices.cost(&item.model, item.audio_s));
    Some(Cost {
        amount: costs.sum::<Option<f64>>()?,
        currency: prices.currency()?.to_owned(),
    })
}

/// Returns the message about a hold that has just begun. Returns `None` if the hold needs no person or no channel is
/// configured.
pub(super) fn attention(context: &Context, hold: &Hold) -> Option<News> {
    if !hold.kind.needs_a_person() {
        return None;
    }
    context.beside.channels.set().next()?;
    let now = context.now();
    let tally = [&context.tally.done, &context.tally.failed];
    let tally = tally.map(|count| count.load(Ordering::Relaxed));
    let span = span(context, context.began, now);
    let message = Message::attention(new_id(), now, span, tally, hold);
    Some(encode(context, &message))
}

/// Reports a hold that begins because the database cannot be written, without storing the message in the outbox. Each
/// channel is tried once. Only the first such hold of a run is reported.
pub(super) fn without_store(context: &Context, hold: &Hold) {
    let beside = &context.beside;
    let Some(news) = attention(context, hold) else {
        return;
    };
    if beside.told_without_store.swap(true, Ordering::Relaxed) {
        return;
    }
    for draft in news.drafts {
        let (channels, id) = (beside.channels.clone(), news.message.clone());
        tokio::spawn(async move {
            let letter = Letter {
                id: &id,
                at: news.at,
                subject: draft.subject.as_deref().unwrap_or_default(),
                body: &draft.body,
            };
            if let Err(not_sent) = channels.send(draft.channel, letter).await {
                let (channel, reason) = (draft.channel.as_str(), not_sent.reason);
                tracing::warn!(channel, reason, "failed to deliver a message");
            }
        });
    }
}

fn span(context: &Context, since: Timestamp, until: Timestamp) -> Span {
    Span {
        id: context.run.0,
        since,
        until,
    }
}

/// Returns a random ID of 128 bits.
fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn failed_item(job: FailedJob) -> Failed {
    let path = match job.location {
        Location::File(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url,
    };
    Failed::new(job.id, path, job.failure)
}

/// Encodes a message for each configured channel.
fn encode(context: &Context, message: &Message) -> News {
    let draft = |channel| match channel {
        Channel::Command | Channel::Webhook => Draft {
            channel,
            subject: None,
            body: message.json(),
        },
        Channel::Email => Draft {
            channel,
            subject: Some(text::subject(message)),
            body: text::text(message),
        },
    };
    News {
        message: message.id.clone(),
        drafts: context.beside.channels.set().map(draft).collect(),
        at: message.at,
    }
}
