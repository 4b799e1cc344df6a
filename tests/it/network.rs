//! Runs behind proxies and firewalls, and with a key that is replaced.

use crate::harness::{CommandResult, KEY, TestEnv, run_command, settings};
use nightscribe_sandbox::{AccountState, Faults, Settings};
use std::fs;
use std::time::{Duration, Instant};

const NEW_KEY: &str = "sk-replaced-key";

fn with_delay(delay: Duration) -> Settings {
    Settings {
        delay,
        ..settings()
    }
}

/// Adds lines to the section `[api]` of the configuration.
fn configure_api(env: &TestEnv, lines: &str) {
    let path = env.path("nightscribe.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(
        path,
        config.replace("[api]\n", &format!("[api]\n{lines}\n")),
    )
    .unwrap();
}

fn wait_for_submissions(env: &TestEnv, count: usize) {
    env.wait_until("the submissions", |env| {
        env.sandbox().ledger().generations.len() == count
    });
}

#[test]
fn a_firewall_page_holds_nothing_and_polls_continue() {
    let env = TestEnv::with_recordings(with_delay(Duration::from_millis(300)), 3);
    let mut child = env.start(&["run", "--once"]);
    wait_for_submissions(&env, 3);
    env.sandbox().set_faults("firewall=1".parse().unwrap());
    // Longer than `retry.max_backoff × retry.max_attempts`, after which a run without paid results gives up.
    let (began, polls) = (Instant::now(), env.sandbox().ledger().polls);
    env.wait_until("refused polls", |env| {
        env.sandbox().ledger().polls > polls + 3 && began.elapsed() > Duration::from_secs(3)
    });
    assert_eq!(env.status()["holds"], serde_json::json!([]));
    env.sandbox().set_faults(Faults::default());
    assert_eq!(child.wait(), 0);
    assert_eq!(env.count("done"), 3);
    assert_eq!(env.sandbox().ledger().generations.len(), 3);
}

#[test]
fn a_run_behind_a_firewall_ends_as_unreachable() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.sandbox().set_faults("firewall=1".parse().unwrap());
    let result = env.run_once(1);
    assert!(
        result
            .stderr
            .contains("a proxy or firewall answered instead of the service (403)")
            || result.stderr.contains("the proxy requires a user name"),
        "{}",
        result.stderr
    );
    assert!(env.items().iter().all(|item| item["attempts"] == 0));
    let check = env.run(&["check"]);
    assert_ne!(check.code, 0);
    env.sandbox().set_faults(Faults::default());
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
}

#[test]
fn a_replaced_key_file_is_used_without_a_hold() {
    let env = TestEnv::with_recordings(with_delay(Duration::from_secs(1)), 3);
    configure_api(&env, "key_file = 'key'");
    fs::write(env.path("key"), KEY).unwrap();
    let mut command = env.command(&["run", "--once", "-v"]);
    let mut child = env.start_logged(&mut command, "log");
    wait_for_submissions(&env, 3);
    fs::write(env.path("key"), NEW_KEY).unwrap();
    env.sandbox().set_key(NEW_KEY);
    assert_eq!(child.wait(), 0);
    assert_eq!(env.count("done"), 3);
    let log = env.log_lines("log").join("\n");
    assert!(log.contains("continuing with the new one"), "{log}");
    assert!(!log.contains("held"), "{log}");
    assert!(!log.contains(KEY) && !log.contains(NEW_KEY), "{log}");
}

#[test]
fn a_key_file_replaced_during_a_hold_ends_the_hold() {
    let env = TestEnv::with_recordings(with_delay(Duration::from_secs(1)), 3);
    configure_api(&env, "key_file = 'key'");
    fs::write(env.path("key"), KEY).unwrap();
    let mut child = env.start(&["run", "--once"]);
    wait_for_submissions(&env, 3);
    env.sandbox().set_key(NEW_KEY);
    env.wait_until("the hold", |env| env.status()["holds"][0]["kind"] == "auth");
    fs::write(env.path("key"), NEW_KEY).unwrap();
    assert_eq!(child.wait(), 0);
    assert_eq!(env.count("done"), 3);
    assert_eq!(env.status()["holds"], serde_json::json!([]));
}

#[test]
fn refused_polls_continue_until_the_results_expire() {
    let env = TestEnv::with_recordings(with_delay(Duration::from_secs(60)), 1);
    configure_api(&env, "retention = '3s'");
    let mut child = env.start(&["run", "--once"]);
    let began = Instant::now();
    wait_for_submissions(&env, 1);
    env.sandbox().set_account(AccountState::KeyRefused);
    assert_eq!(child.wait(), 3);
    assert!(began.elapsed() >= Duration::from_secs(3));
    assert_eq!(env.count("pending"), 1);
}

#[test]
fn an_unusable_proxy_is_reported_at_the_start() {
    let env = TestEnv::with_recordings(settings(), 1);
    let path = env.path("nightscribe.toml");
    let config = fs::read_to_string(&path).unwrap();
    let local = env.sandbox().base_url();
    fs::write(path, config.replace(&local, "https://stt.invalid/v1")).unwrap();
    for args in [&["run", "--once"][..], &["check"]] {
        let mut command = env.command(args);
        command.env("ALL_PROXY", "socks6://user:hush@127.0.0.1:9");
        let CommandResult {
            code,
            stdout,
            stderr,
        } = run_command(&mut command);
        let output = stdout + &stderr;
        assert_ne!(code, 0, "{output}");
        assert!(output.contains("`ALL_PROXY`"), "{output}");
        assert!(!output.contains("hush"), "{output}");
    }
    assert!(env.items().is_empty());
}
