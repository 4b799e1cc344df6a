//! What a person is told: a summary when a run ends or, for a daemon, a day; at once when something needs a person. A
//! message is in the outbox before it leaves, and leaves it when it has arrived.

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

/// How long the messages of a run that is over are waited for.
const DELIVER_WITHIN: Duration = Duration::from_secs(30);
/// How long after midnight a day is summed up, so that what was done before it is on disk.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(30);

/// Takes up what earlier runs left in the outbox.
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
            "not delivered for three days and given up"
        );
    }
    Ok(())
}

/// Delivers what is in the outbox and, in a daemon, sums up each day, until [`end`].
pub(super) async fn tell_all(context: Arc<Context>, mode: Mode) {
    let channels = context.beside.channels.set();
    let delivering = join_all(channels.map(|channel| serve(&context, channel)));
    let days = async {
        if mode == Mode::Daemon && context.beside.channels.set().next().is_some() {
            close_days(&context).await;
        }
    };
    tokio::join!(delivering, days);
}

/// The stages are over: tells what the run came to, and waits within bounds until all is delivered that can be.
pub(super) async fn end(context: &Context, messages: AbortOnDropHandle<()>) {
    let end_by = context.now().after(DELIVER_WITHIN);
    let delivered = async {
        if context.beside.channels.set().next().is_some() {
            let summed_up = patiently(|| summarize(context, context.now())).await;
            summed_up.unwrap_or_else(|error| not_summed_up(&error));
        }
        context.beside.news.send_replace(Some(end_by));
        messages.await
    };
    match tokio::time::timeout(DELIVER_WITHIN, delivered).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %error, "telling broke off"),
        Err(_) => {
            tracing::warn!("not all messages could be delivered; they are sent at the next start");
        }
    }
}

fn not_summed_up(error: &StoreError) {
    tracing::error!(error = %error, "the summary could not be written; the next one tells of the same");
}

/// Delivers what waits for one channel, one after the other.
async fn serve(context: &Context, channel: Channel) {
    let mut news = context.beside.news.subscribe();
    loop {
        let end_by = *news.borrow_and_update();
        let waiting = match patiently(|| context.store.next_delivery(channel)).await {
            Ok(waiting) => waiting,
            Err(error) => return broken(channel, &error),
        };
        let due = (waiting.as_ref()).map_or(Timestamp::MAX, |delivery| delivery.due_at);
        if let Some(delivery) = waiting.filter(|_| due <= context.now()) {
            match deliver(context, &delivery).await {
                Ok(()) => continue,
                Err(error) => return broken(channel, &error),
            }
        }
        if end_by.is_some_and(|end| due > end) {
            return;
        }
        tokio::select! {
            _more = news.changed() => {}
            () = sleep_until(&*context.clock, due) => {}
        }
    }
}

fn broken(channel: Channel, error: &StoreError) {
    tracing::error!(channel = channel.as_str(), error = %error, "nothing more is delivered; it is at the next start");
}

async fn deliver(context: &Context, delivery: &Delivery) -> Result<(), StoreError> {
    let (store, channel) = (&context.store, delivery.channel);
    if delivery.cut_off {
        tracing::info!(
            channel = channel.as_str(),
            id = delivery.message,
            "is sent again under the same ID: the last run ended while it was being sent"
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
            tracing::info!(channel = channel.as_str(), "told");
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
                "a message was not delivered; {}",
                said(next)
            );
            let reason = &not_sent.reason;
            patiently(|| store.not_delivered(delivery.id, next, reason, now)).await
        }
    }
}

const fn said(next: Next) -> &'static str {
    match next {
        Next::At(_) => "it is sent again",
        Next::AtNextStart => "it is sent again at the next start",
        Next::GivenUp => "it is given up",
    }
}

/// Sums up each day shortly after its end, until the run is over.
async fn close_days(context: &Context) {
    let zone = TimeZone::system();
    while let Some(midnight) = next_midnight(context.now(), &zone) {
        let due = midnight.after(AFTER_MIDNIGHT);
        tokio::select! {
            () = context.beside.stages_over.cancelled() => return,
            () = sleep_until(&*context.clock, due) => {}
        }
        // Before it, the clock was set back.
        if context.now() >= due {
            let summed_up = patiently(|| summarize(context, midnight)).await;
            summed_up.unwrap_or_else(|error| not_summed_up(&error));
        }
    }
}

/// Puts a summary of what ended since the last one into the outbox, if there is anything to tell.
async fn summarize(context: &Context, until: Timestamp) -> Result<(), StoreError> {
    let (store, began) = (&context.store, context.began);
    let told = store.told_until().await?.unwrap_or(began);
    let since = since(told, began, until);
    let ended = store.ended_between(since, until, MOST_FAILURES).await?;
    let ended = Ended {
        done: ended.done,
        failed: ended.failed,
        failures: ended.failures.into_iter().map(failed).collect(),
        audio_s: ended.audio_s,
        cost: cost(&context.prices, &ended.billed),
    };
    let (now, span) = (context.now(), span(context, since, until));
    let Some(message) = Message::summary(new_id(), now, span, ended, &context.gate.holds()) else {
        return Ok(());
    };
    store.tell(news(context, &message), until).await?;
    context.beside.news.send_modify(|_| ());
    Ok(())
}

/// What was billed, in money; `None` where a price is not known.
fn cost(prices: &Prices, billed: &[Submitted]) -> Option<Cost> {
    let costs = billed
        .iter()
        .map(|one| prices.cost(&one.model, one.audio_s));
    Some(Cost {
        amount: costs.sum::<Option<f64>>()?,
        currency: prices.currency()?.to_owned(),
    })
}

/// What is told at once of a hold that has just begun; `None` if nobody is.
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
    Some(news(context, &message))
}

/// Tells at once of a hold that begins because the database cannot be written, so that the message cannot be kept in it:
/// each channel is tried once, and only the first such hold of a run is told.
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
                tracing::warn!(channel, reason, "a message was not delivered");
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

/// What no other message is called, ever.
fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn failed(job: FailedJob) -> Failed {
    let path = match job.location {
        Location::File(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url,
    };
    Failed::new(job.id, path, job.failure)
}

/// The message in the form that each channel takes.
fn news(context: &Context, message: &Message) -> News {
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
