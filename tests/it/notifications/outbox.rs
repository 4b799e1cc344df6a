//! The outbox in the store: deliveries, expiry, and the message of a hold.

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

/// Returns a message with a command and an e-mail payload.
fn outbox_message(message_id: &str) -> OutboxMessage {
    let payload = |channel| Payload {
        channel,
        subject: (channel == NotifyChannel::Email).then(|| "s".to_owned()),
        body: "b".to_owned(),
    };
    OutboxMessage {
        message_id: message_id.to_owned(),
        payloads: vec![
            payload(NotifyChannel::Command),
            payload(NotifyChannel::Email),
        ],
        created_at: at(100),
    }
}

#[tokio::test]
async fn each_channel_delivers_a_message_separately() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store
        .enqueue_summary(outbox_message("m"), at(90))
        .await
        .unwrap();
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
async fn a_start_gives_up_messages_after_three_days() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store
        .enqueue_summary(outbox_message("m"), at(90))
        .await
        .unwrap();
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
        "reopening the outbox keeps the end of the last summary"
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
async fn only_a_new_hold_sends_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hold = Hold::new(HoldKind::Credit, at(100), "none left".to_owned());
    for message in ["first", "second"] {
        let message = Some(outbox_message(message));
        store.hold_and_notify(hold.clone(), message).await.unwrap();
    }
    let delivery = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(delivery.message_id, "first");
    store.finish_delivery(delivery.id, at(101)).await.unwrap();
    assert_eq!(
        store.next_delivery(NotifyChannel::Command).await.unwrap(),
        None
    );
    store.release(HoldKind::Credit).await.unwrap();
    store
        .hold_and_notify(hold, Some(outbox_message("third")))
        .await
        .unwrap();
    let delivery = store
        .next_delivery(NotifyChannel::Command)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(delivery.message_id, "third");
}
