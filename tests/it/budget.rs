//! Limits on submissions: budgets in hours and money, `--limit`, and source limits on length and size.

use crate::harness::{TestEnv, settings, wav};
use std::fs;

/// Writes one recording for each length, in seconds. Their contents differ.
fn add_recordings(env: &TestEnv, seconds: &[u32]) {
    for (number, seconds) in (0..).zip(seconds) {
        let path = env.path("recordings").join(format!("{number}.wav"));
        fs::write(path, wav(number, seconds * 8000)).unwrap();
    }
}

fn submission_count(env: &TestEnv) -> usize {
    env.sandbox().ledger().generations.len()
}

#[test]
fn parallel_uploads_use_exactly_the_hours_budget() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.02\n");
    add_recordings(&env, &[6; 24]);
    let mut command = env.command(&["run", "--once"]);
    command.env("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "16");
    let result = crate::harness::run_command(&mut command);
    assert_eq!(result.code, 0, "{}", result.stderr);
    // The budget is 72 s per day, a recording has 6 s.
    assert_eq!((env.count("done"), env.count("queued")), (12, 12));
    assert_eq!(submission_count(&env), 12);
    assert!(result.stderr.contains("held (budget)"), "{}", result.stderr);
    let hold = &env.status()["holds"][0];
    assert_eq!(hold["kind"], "budget");
    assert!(hold["ends"].is_string());
    assert!(
        hold["message"]
            .as_str()
            .unwrap()
            .contains("would exceed budget.hours_per_day = 0.02; submissions resume at")
    );
    // Submissions of the same day count in the next run too.
    env.run_once(0);
    assert_eq!(submission_count(&env), 12);
}

#[test]
fn a_run_budget_resets_with_the_next_run() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_run = 0.0017\n");
    add_recordings(&env, &[3; 5]);
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
    assert_eq!(env.status()["holds"], serde_json::json!([]));
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
}

#[test]
fn refused_submissions_use_no_budget() {
    let env = TestEnv::with_recordings(
        nightscribe_sandbox::Settings {
            faults: "rate-limit=0.5".parse().unwrap(),
            ..settings()
        },
        6,
    );
    let result = env.run(&["run", "--once", "--limit", "6"]);
    assert_eq!(
        (result.code, env.count("done")),
        (0, 6),
        "{}",
        result.stderr
    );
}

#[test]
fn duplicate_content_uses_no_budget() {
    let env = TestEnv::new(settings());
    add_recordings(&env, &[6]);
    env.run_once(0);
    env.configure("[budget]\nhours_per_run = 0.001\n");
    let path = |name: &str| env.path("recordings").join(name);
    fs::copy(path("0.wav"), path("1.wav")).unwrap();
    env.run_once(0);
    assert_eq!((submission_count(&env), env.count("done")), (1, 2));
}

#[test]
fn limit_caps_the_recordings_of_a_run() {
    let env = TestEnv::with_recordings(settings(), 5);
    let result = env.run(&["run", "--once", "--limit", "2"]);
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert_eq!((env.count("done"), env.count("queued")), (2, 3));
    env.run_once(0);
    assert_eq!(env.count("done"), 5);
}

#[test]
fn a_cost_budget_requires_prices() {
    let env = TestEnv::new(settings());
    add_recordings(&env, &[6; 4]);
    env.configure("[budget]\ncost_per_month = 1.0\n");
    let refused = env.run(&["run", "--once"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .stderr
            .contains("there is no price for `#g1_nova-2-general`")
    );
    // 0.1 s costs 0.001, so 6 s cost 0.06.
    env.configure("[budget]\ncost_per_month = 0.125\n[prices]\n'#g1_nova-2-general' = 0.6\n");
    env.run_once(0);
    assert_eq!((submission_count(&env), env.count("queued")), (2, 2));
}

#[test]
fn recordings_outside_the_source_limits_are_skipped() {
    let env = TestEnv::new(settings());
    add_recordings(&env, &[1, 4, 9, 4]);
    fs::write(env.path("recordings/3.wav"), wav(9, 8000 * 30)).unwrap();
    env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmin_duration = '2s'\nmax_duration = '8s'\n\
         max_file_size = '100 kB'\n",
    );
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("cancelled")), (1, 3));
    let message = |name: &str| {
        env.item(name)["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(message("0.wav").contains("shorter than min_duration"));
    assert!(message("2.wav").contains("longer than max_duration"));
    assert!(message("3.wav").contains("larger than max_file_size"));
    assert_eq!(submission_count(&env), 1);
    env.configure("");
    let retried = env.run(&["retry", "--error", "skipped"]);
    assert_eq!(retried.stdout, "3 items requeued\n");
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
}

#[test]
fn a_recording_above_the_budget_blocks_no_others() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.0015\n");
    add_recordings(&env, &[9, 2, 2]);
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("cancelled")), (2, 1));
    let message = env.item("0.wav")["error"]["message"].clone();
    assert_eq!(
        message,
        "this recording alone exceeds budget.hours_per_day = 0.0015"
    );
}
