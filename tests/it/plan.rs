//! The plan, the prices and the report.

use crate::harness::{TestEnv, settings, wav};
use serde_json::Value;
use std::fs;
use std::time::Duration;

const BOUNDED: &str =
    "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmin_duration = '2s'\n";

/// Adds a recording for each duration, in seconds: `0.wav`, `1.wav` and so on.
fn add_recordings(env: &TestEnv, durations: &[u32]) {
    for (number, seconds) in (0..).zip(durations) {
        let path = env.path("recordings").join(format!("{number}.wav"));
        fs::write(path, wav(number, seconds * 8000)).unwrap();
    }
}

/// Runs a command and parses its output.
fn json(env: &TestEnv, args: &[&str]) -> Value {
    let result = env.run(args);
    assert_eq!(result.code, 0, "{}", result.stderr);
    serde_json::from_str(&result.stdout).unwrap()
}

#[test]
fn a_plan_lists_submissions_and_submits_nothing() {
    let env = TestEnv::new(settings());
    env.configure_with("[prices]\nnova-2-general = 0.6\n", BOUNDED);
    add_recordings(&env, &[60, 120, 1]);
    fs::write(env.path("recordings/text.wav"), "no recording, but text").unwrap();
    let plan = json(&env, &["plan", "--json"]);
    assert_eq!(
        (&plan["files"], &plan["audio_s"]),
        (&2.into(), &180.0.into())
    );
    assert_eq!(
        (&plan["cost"], &plan["currency"]),
        (&1.8.into(), &"USD".into())
    );
    assert_eq!(plan["groups"][0]["source"], "talks");
    let skipped = plan["skipped"].as_object().unwrap();
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert_eq!(skipped["it is shorter than min_duration of its source"], 1);
    assert!(plan["submitted_by"].is_string());
    assert_eq!(env.count("queued"), 4);
    assert!(env.sandbox().ledger().generations.is_empty());
    // The probed durations are stored.
    assert_eq!(env.item("1.wav")["duration_s"], 120.0);
    let text = env
        .run(&["run", "--once", "--dry-run", "--limit", "1"])
        .stdout;
    assert!(text.contains("total") && text.contains("0h 01m"), "{text}");
    assert_eq!(env.count("queued"), 4);
}

#[test]
fn a_plan_names_a_hold_and_no_time() {
    let env = TestEnv::new(settings());
    add_recordings(&env, &[2]);
    env.run(&["scan"]);
    env.run(&["pause"]);
    let text = env.run(&["plan"]).stdout;
    assert!(text.contains("held (operator) since"), "{text}");
    assert!(
        text.ends_with("Nothing is submitted before that.\n"),
        "{text}"
    );
    let plan = json(&env, &["plan", "--json"]);
    assert_eq!(plan["holds"][0]["kind"], "operator");
    assert_eq!(plan["when_run_s"], Value::Null);
}

#[test]
fn an_unknown_price_gives_no_cost() {
    let env = TestEnv::new(settings());
    add_recordings(&env, &[60]);
    let plan = json(&env, &["plan", "--json"]);
    assert_eq!(plan["cost"], Value::Null);
    assert_eq!(plan["unpriced"][0], "#g1_nova-2-general");
    let text = env.run(&["plan"]).stdout;
    assert!(
        text.contains("The price of #g1_nova-2-general is unknown"),
        "{text}"
    );
    assert!(env.run(&["prices"]).stdout.contains("No prices are known"));
}

#[test]
fn fetched_prices_are_stored_with_their_date() {
    let mut env = TestEnv::new(settings());
    add_recordings(&env, &[60]);
    let table = env.run(&["prices", "--refresh"]).stdout;
    // The sandbox charges 0.0001 USD per second.
    assert!(
        table.contains("0.006 USD          0.36 USD          service, 20"),
        "{table}"
    );
    env.stop_sandbox();
    let plan = json(&env, &["plan", "--json"]);
    assert!((plan["cost"].as_f64().unwrap() - 0.006).abs() < 1e-9);
    let refused = env.run(&["prices", "--refresh"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("cannot fetch prices from the service")
    );
    assert_eq!(json(&env, &["plan", "--json"])["cost"], plan["cost"]);
}

#[test]
fn a_report_has_billed_and_saved_amounts() {
    let env = TestEnv::new(settings());
    env.configure("[prices]\nnova-2-general = 6.0\n");
    add_recordings(&env, &[10, 20]);
    fs::copy(
        env.path("recordings/1.wav"),
        env.path("recordings/copy.wav"),
    )
    .unwrap();
    env.run_once(0);
    let report = json(&env, &["report", "--json", "--reconcile"]);
    let all = &report["in_all"];
    assert_eq!(
        (&all["billed"], &all["billed_s"]),
        (&2.into(), &30.0.into())
    );
    // What the service charged counts, not the configured price.
    assert_eq!((&all["cost"], &all["saved"]), (&0.003.into(), &1.into()));
    assert_eq!(
        (&all["saved_s"], &all["perhaps_paid"]),
        (&20.0.into(), &0.into())
    );
    assert_eq!(report["differences"], serde_json::json!([]));
    let csv = env.run(&["report", "--csv", "--by", "model"]).stdout;
    assert!(csv.starts_with("name,billed,billed_s,cost,currency,"));
    assert!(
        csv.contains("\n#g1_nova-2-general,2,30,0.003,USD,0,1,20,0,0\n"),
        "{csv}"
    );
    let later = json(&env, &["report", "--json", "--since", "2999-01-01"]);
    assert_eq!(later["in_all"]["billed"], 0);
}

#[test]
fn reconciliation_lists_paid_but_missing_transcripts() {
    let env = TestEnv::with_recordings(
        nightscribe_sandbox::Settings {
            delay: Duration::from_secs(3600),
            ..settings()
        },
        1,
    );
    let mut daemon = env.start(&["run"]);
    env.wait_until("the submission", |env| env.count("pending") == 1);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    env.run(&["cancel", "1"]);
    let report = json(&env, &["report", "--json"]);
    assert_eq!(report["in_all"]["perhaps_paid"], 1);
    let text = env.run(&["report", "--reconcile"]).stdout;
    assert!(
        text.contains("0.wav: completed by the service, but its transcript is not stored"),
        "{text}"
    );
}
