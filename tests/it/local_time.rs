//! Times: local in texts, with the zone in JSON and logs.

use crate::harness::{TestEnv, run_command, settings};
use serde_json::Value;

/// Returns the standard output of a command in a time zone.
fn shown(env: &TestEnv, zone: &str, args: &[&str]) -> String {
    let result = run_command(env.command(args).env("TZ", zone));
    assert_eq!(result.code, 0, "{args:?}: {}", result.stderr);
    result.stdout
}

/// Returns the time of the field as texts show it in this zone.
fn local(item: &Value, field: &str, zone: &str) -> String {
    let time: jiff::Timestamp = item[field].as_str().unwrap().parse().unwrap();
    let time = time.in_tz(zone).unwrap();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[test]
fn texts_show_local_times_and_json_the_zone() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    for zone in ["Asia/Kolkata", "America/New_York"] {
        let json = shown(&env, zone, &["show", "--json", "1"]);
        let item: Value = serde_json::from_str(&json).unwrap();
        let text = shown(&env, zone, &["show", "1"]);
        for field in ["created_at", "updated_at"] {
            assert!(item[field].as_str().unwrap().ends_with('Z'), "{json}");
            let local = local(&item, field, zone);
            assert!(text.contains(&local), "{field} {local}: {text}");
        }
        let attempt = &item["history"][0];
        assert!(text.contains(&local(attempt, "started_at", zone)), "{text}");
        assert!(!text.contains("Z "), "{text}");
    }
}

#[test]
fn status_shows_a_hold_in_local_time() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run(&["scan"]);
    env.run(&["pause"]);
    let hold = &env.status()["holds"][0];
    let since = local(hold, "since", "Asia/Kolkata");
    let text = shown(&env, "Asia/Kolkata", &["status"]);
    // Without the date and the seconds, because it was a moment ago.
    assert!(
        text.contains(&format!("since {}", &since[11..16])),
        "{text}"
    );
}

#[test]
fn a_full_budget_says_when_it_resumes_in_local_time_with_the_zone() {
    let env = TestEnv::with_recordings(settings(), 3);
    env.configure("[budget]\nhours_per_day = 0.0004");
    let mut run = env.command(&["run", "--once", "--until", "23:59"]);
    let result = run_command(run.env("TZ", "Asia/Kolkata"));
    let holds = env.status()["holds"].clone();
    let text = format!("{}{holds}", result.stderr);
    assert!(
        text.contains("submissions resume at") && text.contains("00:00:00 +05:30"),
        "{text}"
    );
}
