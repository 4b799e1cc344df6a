//! Pings to a monitor of scheduled jobs.

use super::notify;
use super::receiver::{Receiver, WebhookRequest};
use crate::harness::{TestEnv, run_command, settings};
use nightscribe_sandbox::Faults;
use std::fs;

const CHECK: &str = "/5f0e6c5a-3a4c-4f1c-9d5e-0a1b2c3d4e5f";

/// Accepts what healthchecks.io accepts.
fn judge(request: &WebhookRequest) -> u16 {
    let known = ["", "/start", "/fail"].map(|end| format!("{CHECK}{end}"));
    let is_valid = ["GET", "POST", "HEAD"].contains(&request.method.as_str())
        && known.contains(&request.path)
        && request.body.len() <= 100_000;
    if is_valid { 200 } else { 404 }
}

fn env(receiver: &Receiver) -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    let url = receiver.url_of(CHECK);
    env.configure(&notify(&format!("healthcheck = '{url}'")));
    env
}

fn pings(receiver: &Receiver) -> Vec<String> {
    let requests = receiver.requests().into_iter();
    requests
        .map(|ping| ping.path[CHECK.len()..].to_owned())
        .collect()
}

#[test]
fn a_run_pings_at_its_start_and_at_its_end() {
    let receiver = Receiver::start_strict(judge);
    let env = env(&receiver);
    assert!(env.run(&["check"]).stdout.contains("ok    healthcheck"));
    assert!(receiver.requests().is_empty());
    env.run_once(0);
    assert_eq!(pings(&receiver), ["/start", ""]);
    let ping = &receiver.requests()[1];
    assert!(ping.body.ends_with(": 1 done, 0 failed"), "{}", ping.body);
    fs::write(env.path("recordings/no.wav"), "text").unwrap();
    env.run_once(1);
    assert_eq!(pings(&receiver), ["/start", "", "/start", "/fail"]);
}

#[test]
fn a_hold_is_a_failure() {
    let receiver = Receiver::start_strict(judge);
    let env = env(&receiver);
    let faults: Faults = "unauthorized=1".parse().unwrap();
    env.sandbox().set_faults(faults);
    env.run_once(3);
    assert_eq!(pings(&receiver), ["/start", "/fail"]);
}

#[test]
fn a_daemon_pings_without_a_start() {
    let receiver = Receiver::start_strict(judge);
    let env = env(&receiver);
    let mut daemon = env.start(&["run"]);
    env.wait_until("the ping", |_| pings(&receiver) == [""]);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    assert_eq!(pings(&receiver), ["", ""]);
}

#[test]
fn a_dead_monitor_stops_nothing_and_its_url_is_not_shown() {
    let receiver = Receiver::start(&[500, 500, 404, 503]);
    let env = env(&receiver);
    let run = run_command(&mut env.command(&["run", "--once", "-vv"]));
    assert_eq!(run.code, 0);
    assert_eq!(pings(&receiver), ["/start", "", "", ""]);
    assert!(
        run.stderr.contains("cannot ping `notify.healthcheck`"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains(CHECK), "{}", run.stderr);
}
