//! The webhook channel: signature, retries and delivery IDs.

use super::notify;
use super::receiver::{NO_RESPONSE, Receiver, WebhookRequest};
use crate::harness::{CommandResult, TestEnv, run_command, settings, signal};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use nightscribe::domain::NotifyChannel;
use nightscribe::runtime::host::host_name;
use nightscribe::store::Store;
use nightscribe::store::sqlite::outbox::Delivery;
use nightscribe_sandbox::AccountState;
use sha2::Sha256;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

const SECRET: &str = "whsec_bmlnaHRzY3JpYmUtdGVzdC1zZWNyZXQtMDE=";

/// Creates an environment with one recording and a signed webhook.
fn env(receiver: &Receiver) -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    let url = receiver.url();
    env.configure(&notify(&format!(
        "webhook = '{url}'\nwebhook_secret_env = 'WEBHOOK_SECRET'"
    )));
    env
}

fn run_once(env: &TestEnv) -> CommandResult {
    let result = run_command(
        env.command(&["run", "--once"])
            .env("WEBHOOK_SECRET", SECRET),
    );
    assert_eq!(result.code, 0, "{}", result.stderr);
    result
}

/// Returns 204 if the headers are those of the Standard Webhooks specification, and otherwise 400.
fn judge_standard(request: &WebhookRequest) -> u16 {
    let (id, timestamp) = (
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
    );
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let is_recent = timestamp
        .parse::<u64>()
        .is_ok_and(|at| now.abs_diff(at) <= 300);
    let key = BASE64_STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{}", request.body).as_bytes());
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    let is_valid = !id.is_empty()
        && is_recent
        && request.header("webhook-signature") == signature
        && request.header("content-type") == "application/json"
        && request.json()["id"] == id;
    if is_valid { 204 } else { 400 }
}

/// Returns what identifies a message in each attempt.
fn identity(request: &WebhookRequest) -> (&str, &str) {
    (request.header("webhook-id"), &request.body)
}

#[test]
fn a_webhook_is_signed_and_retried_until_accepted() {
    let receiver = Receiver::start(&[503, 429, 200]);
    let env = env(&receiver);
    let result = run_once(&env);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(identity(request), identity(&requests[0]));
        assert_eq!(judge_standard(request), 204, "{request:?}");
    }
    let message = requests[0].json();
    assert_eq!(
        (&message["kind"], &message["done"], &message["host"]),
        (&"summary".into(), &1.into(), &host_name().into())
    );
    for hidden in [SECRET, "secret-path"] {
        assert!(!result.stderr.contains(hidden), "{}", result.stderr);
    }
    run_once(&env);
    assert_eq!(receiver.requests().len(), 3);
}

#[test]
fn a_rejected_webhook_is_retried_at_the_next_start() {
    let receiver = Receiver::start(&[404]);
    let env = env(&receiver);
    run_once(&env);
    assert_eq!(receiver.requests().len(), 1);
    run_once(&env);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(identity(&requests[0]), identity(&requests[1]));
    run_once(&env);
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_webhook_repeated_after_a_crash_keeps_its_id() {
    let receiver = Receiver::start(&[NO_RESPONSE]);
    let env = env(&receiver);
    let mut run = env.command(&["run", "--once"]);
    let mut run = run
        .env("WEBHOOK_SECRET", SECRET)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    env.wait_until("the request", |_| receiver.requests().len() == 1);
    signal(&run, "KILL");
    run.wait().unwrap();
    run_once(&env);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(identity(&requests[0]), identity(&requests[1]));
    run_once(&env);
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_kill_between_deliveries_adds_none() {
    let receiver = Receiver::start(&[503]);
    let env = env(&receiver);
    // The request list refuses the key, too: a kill within a submission leaves one to look up.
    env.sandbox().set_account(AccountState::KeyRefused);
    let mut daemon = env
        .command(&["run"])
        .env("WEBHOOK_SECRET", SECRET)
        .env("NIGHTSCRIBE__RETRY__BACKOFF", "1h")
        .env("NIGHTSCRIBE__RETRY__MAX_BACKOFF", "1h")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    env.wait_until("the end of the first attempt", |env| {
        let delivery = next_delivery(env);
        delivery.is_some_and(|delivery| delivery.attempts == 1 && !delivery.was_interrupted)
    });
    signal(&daemon, "KILL");
    daemon.wait().unwrap();
    let result = run_command(
        env.command(&["run", "--once"])
            .env("WEBHOOK_SECRET", SECRET),
    );
    assert_eq!(result.code, 3, "{}", result.stderr);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert_eq!(identity(&requests[0]), identity(&requests[1]));
    assert!(requests[0].body.contains("attention"));
    assert!(requests[2].body.contains("summary"));
}

/// Returns the next webhook delivery in the outbox.
fn next_delivery(env: &TestEnv) -> Option<Delivery> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&env.path("state")).await.ok()?;
        let delivery = store.next_delivery(NotifyChannel::Webhook).await.ok()?;
        store.close().await;
        delivery
    })
}

#[test]
fn a_run_does_not_wait_for_a_distant_retry() {
    let receiver = Receiver::start(&[503]);
    let env = env(&receiver);
    let mut run = env.command(&["run", "--once"]);
    run.env("WEBHOOK_SECRET", SECRET)
        .env("NIGHTSCRIBE__RETRY__BACKOFF", "1h")
        .env("NIGHTSCRIBE__RETRY__MAX_BACKOFF", "1h");
    assert_eq!(run_command(&mut run).code, 0);
    assert_eq!(receiver.requests().len(), 1);
    run_once(&env);
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_failing_webhook_delays_no_other_channel() {
    let receiver = Receiver::start(&[404]);
    let env = env(&receiver);
    let url = receiver.url();
    env.configure(&notify(&format!(
        "command = ['/bin/sh', '-c', 'cat >> messages; echo >> messages']\nwebhook = '{url}'"
    )));
    run_once(&env);
    let messages = super::messages(&env);
    assert_eq!(messages.len(), 1);
    let requests = receiver.requests();
    assert_eq!(messages[0]["id"], requests[0].header("webhook-id"));
    assert_eq!(requests[0].header("webhook-signature"), "");
}

#[test]
fn a_secret_in_another_form_is_refused_and_not_shown() {
    let receiver = Receiver::start_strict(judge_standard);
    let env = env(&receiver);
    for args in [&["run", "--once"][..], &["check"], &["notify", "--test"]] {
        let result = run_command(env.command(args).env("WEBHOOK_SECRET", "5ecret"));
        let output = result.stdout + &result.stderr;
        assert_eq!(result.code, 2, "{args:?}: {output}");
        assert!(
            output.contains("expected `whsec_` and 24 to 64 bytes"),
            "{args:?}: {output}"
        );
        assert!(!output.contains("5ecret"), "{args:?}: {output}");
    }
    assert!(receiver.requests().is_empty());
    let mut test = env.command(&["notify", "--test"]);
    let test = run_command(test.env("WEBHOOK_SECRET", SECRET));
    assert_eq!(test.code, 0, "{}", test.stderr);
    assert_eq!(receiver.requests().len(), 1);
}
