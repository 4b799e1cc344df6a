//! The webhook: signed, retried, and known by its delivery ID.

use super::notify;
use super::receiver::{NEVER, Receiver};
use crate::harness::{CommandResult, TestEnv, settings};
use hmac::{Hmac, KeyInit, Mac};
use nightscribe::domain::NotifyChannel;
use nightscribe::store::Store;
use nightscribe::store::sqlite::outbox::Delivery;
use nightscribe_sandbox::Faults;
use serde_json::Value;
use sha2::Sha256;
use std::process::Stdio;

const SECRET: &str = "hush-hush";

fn env(receiver: &Receiver) -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    let url = receiver.url();
    env.configure(&notify(&format!(
        "webhook = '{url}'\nwebhook_secret_env = 'HUSH'"
    )));
    env
}

fn run_once(env: &TestEnv) -> CommandResult {
    let ended = crate::harness::run_command(env.command(&["run", "--once"]).env("HUSH", SECRET));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let code = mac.finalize().into_bytes();
    let digits = code.iter().map(|byte| format!("{byte:02x}"));
    format!("sha256={}", digits.collect::<String>())
}

#[test]
fn a_webhook_is_signed_and_tried_until_it_is_taken() {
    let receiver = Receiver::start(&[503, 429, 200]);
    let env = env(&receiver);
    let ended = run_once(&env);
    let got = receiver.got();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|one| *one == got[0]), "{got:?}");
    assert_eq!(got[0].signature, Some(signature(&got[0].body)));
    assert_eq!(got[0].content_type, "application/json");
    let message: Value = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!(message["id"], got[0].delivery);
    assert_eq!(
        (&message["kind"], &message["done"]),
        (&"summary".into(), &1.into())
    );
    for hidden in [SECRET, "secret-path"] {
        assert!(!ended.stderr.contains(hidden), "{}", ended.stderr);
    }
    run_once(&env);
    assert_eq!(receiver.got().len(), 3);
}

#[test]
fn what_a_receiver_does_not_take_is_sent_at_the_next_start() {
    let receiver = Receiver::start(&[404]);
    let env = env(&receiver);
    run_once(&env);
    assert_eq!(receiver.got().len(), 1);
    run_once(&env);
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0], got[1]);
    run_once(&env);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn a_webhook_under_way_at_a_crash_is_sent_again_under_the_same_id() {
    let receiver = Receiver::start(&[NEVER]);
    let env = env(&receiver);
    let mut run = env.command(&["run", "--once"]);
    let mut run = run
        .env("HUSH", SECRET)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    env.wait_until("it is posted", |_| receiver.got().len() == 1);
    crate::harness::signal(&run, "KILL");
    run.wait().unwrap();
    run_once(&env);
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0], got[1]);
    run_once(&env);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn a_kill_between_two_tries_repeats_neither() {
    let receiver = Receiver::start(&[503]);
    let env = env(&receiver);
    let faults: Faults = "unauthorized=1".parse().unwrap();
    env.sandbox().set_faults(faults);
    let mut daemon = env
        .command(&["run"])
        .env("HUSH", SECRET)
        .env("NIGHTSCRIBE__RETRY__BACKOFF", "1h")
        .env("NIGHTSCRIBE__RETRY__MAX_BACKOFF", "1h")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    env.wait_until("the first try is over", |env| {
        let waiting = waiting(env);
        waiting.is_some_and(|waiting| waiting.attempts == 1 && !waiting.was_interrupted)
    });
    crate::harness::signal(&daemon, "KILL");
    daemon.wait().unwrap();
    let ended = crate::harness::run_command(env.command(&["run", "--once"]).env("HUSH", SECRET));
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let got = receiver.got();
    assert_eq!(got.len(), 3, "{got:?}");
    assert_eq!(got[0], got[1]);
    assert!(got[0].body.contains("attention"));
    assert!(got[2].body.contains("summary"));
}

/// What waits in the outbox of an environment.
fn waiting(env: &TestEnv) -> Option<Delivery> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&env.path("state")).await.ok()?;
        let waiting = store.next_delivery(NotifyChannel::Webhook).await.ok()?;
        store.close().await;
        waiting
    })
}

#[test]
fn a_message_that_is_not_due_for_long_keeps_no_run_from_its_end() {
    let receiver = Receiver::start(&[503]);
    let env = env(&receiver);
    let mut run = env.command(&["run", "--once"]);
    run.env("HUSH", SECRET)
        .env("NIGHTSCRIBE__RETRY__BACKOFF", "1h")
        .env("NIGHTSCRIBE__RETRY__MAX_BACKOFF", "1h");
    assert_eq!(crate::harness::run_command(&mut run).code, 0);
    assert_eq!(receiver.got().len(), 1);
    run_once(&env);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn a_receiver_that_is_away_holds_no_other_channel_up() {
    let receiver = Receiver::start(&[404]);
    let env = env(&receiver);
    let url = receiver.url();
    env.configure(&notify(&format!(
        "command = ['/bin/sh', '-c', 'cat >> told; echo >> told']\nwebhook = '{url}'"
    )));
    run_once(&env);
    let told = super::told(&env);
    assert_eq!(told.len(), 1);
    let got = receiver.got();
    assert_eq!(told[0]["id"], got[0].delivery);
    assert_eq!(got[0].signature, None);
}
