//! The outbox: what waits, what is given up, and what a hold brings with it.

use nightscribe::domain::{Hold, HoldKind, NotifyChannel, Timestamp};
use nightscribe::policy::delivery::NextDelivery;
use nightscribe::store::Store;
use nightscribe::store::sqlite::outbox::OutboxBacklog;
use nightscribe::store::sqlite::outbox_message::{OutboxMessage, Payload};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn news(message: &str) -> OutboxMessage {
    let draft = |channel| Payload {
        channel,
        subject: (channel == NotifyChannel::Email).then(|| "s".to_owned()),
        body: "b".to_owned(),
    };
    OutboxMessage {
        message_id: message.to_owned(),
        payloads: vec![draft(NotifyChannel::Command), draft(NotifyChannel::Email)],
        created_at: at(100),
    }
}

#[tokio::test]
async fn a_message_waits_in_each_channel_until_it_is_delivered_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.enqueue_summary(news("m"), at(90)).await.unwrap();
    assert_eq!(store.summarized_until().await.unwrap(), Some(at(90)));
    let command = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (command.attempts, command.was_interrupted, command.due_at),
        (0, false, at(100))
    );
    store.start_delivery(command.id, at(101)).await.unwrap();
    let begun = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((begun.attempts, begun.was_interrupted), (1, true));
    store.finish_delivery(command.id, at(102)).await.unwrap();
    assert_eq!(
        store.next_delivery(NotifyChannel::Command).await.unwrap(),
        None
    );
    let email = store
        .next_delivery(NotifyChannel::Email)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(email.subject.as_deref(), Some("s"));
    assert_eq!(
        store.next_delivery(NotifyChannel::Webhook).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_start_sends_what_waits_and_gives_up_what_is_three_days_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.enqueue_summary(news("m"), at(90)).await.unwrap();
    let id = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap()
        .id;
    let next = NextDelivery::AtNextStart;
    store.fail_delivery(id, next, "no", at(101)).await.unwrap();
    let waiting = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.due_at, Timestamp::MAX);
    let reopened = store.reopen_outbox(at(200)).await.unwrap();
    assert_eq!(
        reopened,
        OutboxBacklog {
            given_up: 0,
            waiting: 2
        }
    );
    let waiting = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.due_at, at(200));
    assert_eq!(
        store.summarized_until().await.unwrap(),
        Some(at(90)),
        "it has begun already"
    );
    let later = at(100).after(3 * DAY);
    let reopened = store.reopen_outbox(later).await.unwrap();
    assert_eq!(
        reopened,
        OutboxBacklog {
            given_up: 2,
            waiting: 0
        }
    );
    assert_eq!(
        store.next_delivery(NotifyChannel::Command).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn only_a_hold_that_begins_is_news() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hold = Hold::new(HoldKind::Credit, at(100), "none left".to_owned());
    for message in ["first", "second"] {
        let news = Some(news(message));
        store.hold_and_notify(hold.clone(), news).await.unwrap();
    }
    let told = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.message_id, "first");
    store.finish_delivery(told.id, at(101)).await.unwrap();
    assert_eq!(
        store.next_delivery(NotifyChannel::Command).await.unwrap(),
        None
    );
    store.release(HoldKind::Credit).await.unwrap();
    store
        .hold_and_notify(hold, Some(news("third")))
        .await
        .unwrap();
    let told = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.message_id, "third");
}
