//! Texts for Slack, Discord and ntfy. The receivers reject what the real ones reject.

use super::notify;
use super::receiver::{Judge, Receiver, WebhookRequest};
use crate::harness::{TestEnv, settings};
use nightscribe::runtime::host::host_name;
use std::fs;

fn judge_slack(request: &WebhookRequest) -> u16 {
    let message = request.json();
    let text = message["text"].as_str().unwrap_or_default();
    let length = text.chars().count();
    let is_valid = request.header("content-type") == "application/json"
        && message.as_object().is_some_and(|fields| fields.len() == 1)
        && (1..=40_000).contains(&length)
        && !text.contains(['<', '>']);
    if is_valid { 200 } else { 400 }
}

fn judge_discord(request: &WebhookRequest) -> u16 {
    let message = request.json();
    let length = message["content"]
        .as_str()
        .unwrap_or_default()
        .encode_utf16()
        .count();
    let is_valid = request.header("content-type") == "application/json"
        && (1..=2_000).contains(&length)
        && message["allowed_mentions"]["parse"]
            .as_array()
            .is_some_and(Vec::is_empty);
    if is_valid { 204 } else { 400 }
}

fn judge_ntfy(request: &WebhookRequest) -> u16 {
    let topic = request.path.trim_start_matches('/');
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    let is_topic = (1..=64).contains(&topic.len()) && topic.chars().all(plain);
    let is_valid = is_topic
        && request.method == "POST"
        && (1..=4_096).contains(&request.body.len())
        && !request.header("title").is_empty()
        && request.header("tags") == "memo";
    if is_valid { 200 } else { 400 }
}

/// Runs with many failures of long names, and returns the only request.
fn sent(format: &str, judge: Judge) -> WebhookRequest {
    let receiver = Receiver::start_strict(judge);
    let env = TestEnv::with_recordings(settings(), 1);
    for number in 0..15 {
        let name = format!("<!channel> ``` @everyone {number} {}.wav", "ö".repeat(80));
        fs::write(env.path("recordings").join(name), "no audio").unwrap();
    }
    let url = receiver.url_of("/secret-topic");
    env.configure(&notify(&format!(
        "webhook = '{url}'\nwebhook_format = '{format}'"
    )));
    let run = env.run_once(1);
    assert!(!run.stderr.contains("secret-topic"), "{}", run.stderr);
    let mut requests = receiver.requests();
    // A rejected message would be sent again.
    env.run_once(0);
    assert_eq!(
        (requests.len(), receiver.requests().len()),
        (1, 1),
        "{requests:?}"
    );
    assert_eq!(requests[0].header("webhook-id"), "");
    requests.remove(0)
}

fn subject() -> String {
    format!("nightscribe on {}: 1 done, 15 failed", host_name())
}

#[test]
fn slack_takes_the_text() {
    let request = sent("slack", judge_slack);
    let text = request.json()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with(&format!("{}\n```\n", subject())), "{text}");
    assert!(
        text.contains("unsupported: ") && text.contains("&lt;!channel&gt; '''"),
        "{text}"
    );
}

#[test]
fn discord_takes_the_text() {
    let request = sent("discord", judge_discord);
    let text = request.json()["content"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with(&subject()) && text.ends_with("…\n```"),
        "{text}"
    );
}

#[test]
fn ntfy_takes_the_text() {
    let request = sent("ntfy", judge_ntfy);
    assert_eq!(request.header("title"), subject());
    assert!(
        request.body.contains("1 done") && request.body.ends_with('…'),
        "{}",
        request.body
    );
}

#[test]
fn only_json_is_signed() {
    let env = TestEnv::new(settings());
    for (format, part) in [
        ("slack", "only messages in the format \"json\" are signed"),
        (
            "teams",
            "expected \"json\", \"slack\", \"discord\" or \"ntfy\", found \"teams\"",
        ),
    ] {
        env.configure(&notify(&format!(
            "webhook = 'http://127.0.0.1:9/'\nwebhook_secret_env = 'S'\nwebhook_format = '{format}'"
        )));
        let status = env.run(&["status"]);
        assert_eq!(status.code, 2);
        assert!(status.stderr.contains(part), "{}", status.stderr);
    }
}
