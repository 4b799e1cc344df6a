//! `check`: it finds what a run would stumble over, and makes nothing.

use crate::harness::{TestEnv, settings};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

const SOURCE: &str = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";

fn assert_line(env: &TestEnv, code: i32, parts: &[&str]) {
    let check = env.run(&["check"]);
    assert_eq!(check.code, code, "{}", check.stdout);
    for part in parts {
        assert!(
            check.stdout.contains(part),
            "`{part}` is not in {}",
            check.stdout
        );
    }
}

#[test]
fn check_makes_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    let before = env.file_names("");
    assert_line(
        &env,
        0,
        &[
            "state: the first run creates it",
            "transcripts: the first run creates it",
        ],
    );
    assert_eq!(env.file_names(""), before);
    assert!(!env.path("state").exists() && !env.path("transcripts").exists());
}

#[test]
fn what_a_run_refuses_is_found() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with("[budget]\ncost_per_day = 1\n", SOURCE);
    assert_line(&env, 2, &["FAIL  budget", "there is no price for"]);
    assert_eq!(env.run(&["run", "--once"]).code, 2);
    fs::write(env.path("file"), "").unwrap();
    env.configure_with("[state]\ndir = 'file'\n", SOURCE);
    assert_line(&env, 2, &["FAIL  state"]);
    assert_eq!(env.run(&["run", "--once"]).code, 2);
}

#[test]
fn suspicious_sources_are_named() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::create_dir(env.path("recordings/inner")).unwrap();
    let sources = format!(
        "{SOURCE}include = ['*.mp3']\n[[source]]\nname = 'inner'\npath = 'recordings/inner'\nsettle = '0s'\n"
    );
    env.configure_with("", &sources);
    let text = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let text = text.replace("[output]\n", "[output]\ndir = 'recordings/out'\n");
    fs::write(env.path("nightscribe.toml"), text).unwrap();
    assert_line(
        &env,
        0,
        &[
            "`include` matches none of them",
            "the sources `talks` and `inner` overlap",
            "output.dir is inside the source `talks`",
        ],
    );
}

#[test]
fn a_base_url_without_version_and_an_open_key_file_are_warnings() {
    let env = TestEnv::with_recordings(settings(), 1);
    let text = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let url = env.sandbox().base_url();
    let text = text.replace(&url, url.trim_end_matches("/v1"));
    let text = text.replace("[api]\n", "[api]\nkey_file = 'key'\n");
    fs::write(env.path("nightscribe.toml"), text).unwrap();
    fs::write(env.path("key"), crate::harness::KEY).unwrap();
    fs::set_permissions(env.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let check = env.run(&["check"]).stdout;
    assert!(
        check.contains("warn  base URL") && check.contains("without a version such as /v1"),
        "{check}"
    );
    assert!(
        check.contains("warn  key") && check.contains("chmod 600"),
        "{check}"
    );
    fs::set_permissions(env.path("key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(env.run(&["check"]).stdout.contains("ok    key"));
}

#[test]
fn unreachable_channels_are_found() {
    let env = TestEnv::with_recordings(settings(), 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap();
    let webhook = |address: &str| {
        let notify = format!("[notify]\nwebhook = 'http://{address}/x'\n");
        env.configure_with(&notify, SOURCE);
    };
    webhook(&open.to_string());
    assert_line(&env, 0, &["ok    webhook"]);
    drop(listener);
    assert_line(&env, 2, &["FAIL  webhook", "cannot be reached"]);
    let email = format!(
        "[notify.email]\nto = 'a@example.org'\nfrom = 'b@example.org'\nserver = 'smtp://{open}'\n"
    );
    env.configure_with(&email, SOURCE);
    assert_line(&env, 2, &["FAIL  e-mail"]);
}

#[test]
fn results_can_be_json() {
    let env = TestEnv::with_recordings(settings(), 1);
    let check = env.run(&["check", "--json"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    for line in check.stdout.lines() {
        let result: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            result["name"].is_string() && result["message"].is_string(),
            "{line}"
        );
        assert!(
            ["passed", "warning"].contains(&result["status"].as_str().unwrap()),
            "{line}"
        );
    }
}

#[test]
fn a_test_message_is_sent_once_and_not_stored() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with(
        "[notify]\ncommand = ['/bin/sh', '-c', 'cat >> messages']\n",
        SOURCE,
    );
    let test = env.run(&["notify", "--test"]);
    assert_eq!(test.code, 0, "{}", test.stderr);
    assert_eq!(test.stdout, "command: the test message was accepted\n");
    let message = fs::read_to_string(env.path("messages")).unwrap();
    assert!(message.contains("\"kind\":\"test\""), "{message}");
    assert!(!env.path("state").exists());
    env.configure_with("[notify]\ncommand = ['/bin/false']\n", SOURCE);
    let test = env.run(&["notify", "--test", "--json"]);
    assert_eq!(test.code, 1);
    assert!(
        test.stdout
            .starts_with("{\"channel\":\"command\",\"error\":\""),
        "{}",
        test.stdout
    );
}
