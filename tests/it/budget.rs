//! Limits on submissions: budgets in hours and money, `--limit`, and source limits on length and size.

use crate::harness::{TestEnv, settings, wav};
use sqlx::{ConnectOptions, Connection, Executor};
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
    assert_eq!((env.count("done"), env.count("excluded")), (1, 3));
    assert_eq!(env.count("cancelled"), 0);
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
    assert_eq!(env.status()["excluded"], 3);
    let plan = plan(&env);
    assert_eq!(
        (&plan["files"], &plan["skipped"]),
        (&0.into(), &serde_json::json!({}))
    );
    let again = env.run_once(0);
    assert!(!again.stderr.contains("excluded"), "{}", again.stderr);
    // They go by themselves when the limits include them.
    env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmax_duration = '8s'\n",
    );
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("excluded")), (2, 2));
    env.configure("");
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("excluded")), (4, 0));
    assert_eq!(env.status()["excluded"], 0);
}

fn plan(env: &TestEnv) -> serde_json::Value {
    let result = env.run(&["plan", "--json"]);
    assert_eq!(result.code, 0, "{}", result.stderr);
    serde_json::from_str(&result.stdout).unwrap()
}

#[test]
fn a_recording_above_the_budget_waits_and_blocks_no_others() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.0015\n");
    add_recordings(&env, &[9, 2, 2]);
    let plan = plan(&env);
    let reason = "this recording alone exceeds budget.hours_per_day = 0.0015";
    assert_eq!(plan["files"], 2);
    assert_eq!(
        plan["skipped"][format!("waits for the budget: {reason}")],
        1
    );
    let run = env.run_once(0);
    assert_eq!((env.count("done"), env.count("queued")), (2, 1));
    assert!(
        run.stderr.contains("1 stay queued and wait for the budget"),
        "{}",
        run.stderr
    );
    let item = env.item("0.wav");
    assert_eq!(item["error"]["class"], "budget");
    let waits_for = item["waits_for"].clone();
    assert_eq!(waits_for, format!("waits for the budget: {reason}"));
    assert_eq!(env.status()["over_budget"], 1);
    // The next run has the same budget.
    env.run_once(0);
    assert_eq!(env.count("queued"), 1);
    env.configure("");
    env.run_once(0);
    assert_eq!(
        (env.count("done"), env.status()["over_budget"].clone()),
        (3, 0.into())
    );
}

/// Writes a recording whose length cannot be read. The sandbox bills a second for each 16,000 bytes.
fn add_of_unknown_length(env: &TestEnv, name: &str, size: u32) {
    let mut bytes = b".snd".to_vec();
    for field in [24, u32::MAX, 99, 8000, 1] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(&wav(size + name.len() as u32, size)[44..]);
    fs::write(env.path("recordings").join(name), bytes).unwrap();
}

#[test]
fn what_is_billed_makes_room_for_the_next_unknown_length() {
    let env = TestEnv::new(settings());
    // 72 s. Each recording lasts at most 64 s by its size, and 2 s are billed.
    env.configure("[budget]\nhours_per_run = 0.02\n");
    for name in ["a.au", "b.au", "c.au"] {
        add_of_unknown_length(&env, name, 32_000);
    }
    let plan = plan(&env);
    assert_eq!(
        (&plan["files"], &plan["unknown_length"]),
        (&1.into(), &1.into())
    );
    assert!(plan["unknown_length_at_most_s"].as_f64().unwrap() > 64.0);
    let run = env.run_once(0);
    assert_eq!(env.count("done"), 3, "{}", run.stderr);
}

#[test]
fn an_unknown_length_above_the_budget_waits_for_it() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.02\n");
    add_of_unknown_length(&env, "long.au", 100_000);
    add_of_unknown_length(&env, "short.au", 8_000);
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("queued")), (1, 1));
    assert_eq!(env.item("long.au")["error"]["class"], "budget");
    env.configure("");
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
}

#[test]
fn a_report_names_what_is_charged_by_size() {
    let env = TestEnv::new(nightscribe_sandbox::Settings {
        delay: std::time::Duration::from_secs(3600),
        ..settings()
    });
    add_of_unknown_length(&env, "a.au", 32_000);
    let mut daemon = env.start(&["run"]);
    env.wait_until("the submission", |env| env.count("pending") == 1);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    let text = env.run(&["report"]).stdout;
    assert!(text.contains("1 submission of unknown duration"), "{text}");
    // The bound also counts in the next run.
    env.configure("[budget]\nhours_per_day = 0.02\n");
    add_recordings(&env, &[20]);
    let plan = plan(&env);
    assert_eq!((&plan["files"], &plan["later"]), (&1.into(), &1.into()));
}

#[test]
fn a_plan_submits_in_the_order_of_the_run() {
    for lengths in [[20, 20, 5, 5, 5], [5, 5, 30, 1, 1], [40, 36, 1, 1, 1]] {
        let env = TestEnv::new(settings());
        env.configure("[budget]\nhours_per_run = 0.01\n");
        add_recordings(&env, &lengths);
        let planned = plan(&env)["files"].as_u64().unwrap();
        let mut command = env.command(&["run", "--once"]);
        command.env("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "16");
        assert_eq!(crate::harness::run_command(&mut command).code, 0);
        assert_eq!(env.count("done"), planned, "{lengths:?}");
    }
}

#[test]
fn a_plan_continues_on_the_next_days() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.01\n");
    add_recordings(&env, &[20, 20, 10, 20]);
    let plan = plan(&env);
    assert_eq!((&plan["files"], &plan["later"]), (&4.into(), &3.into()));
    let (from, last) = (&plan["later_from"], &plan["submitted_by"]);
    assert!(
        from.as_str().unwrap() < last.as_str().unwrap(),
        "{from} {last}"
    );
    let text = env.run(&["plan"]).stdout;
    assert!(text.contains("3 files wait for the budget until"), "{text}");
    env.run_once(0);
    assert_eq!(env.count("done"), 1);
}

#[test]
fn an_unknown_length_is_held_if_the_source_says_so() {
    let source =
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmax_duration = '8s'\n";
    let env = TestEnv::new(settings());
    env.configure_with("", &format!("{source}unknown_length = 'hold'\n"));
    add_of_unknown_length(&env, "a.au", 8_000);
    let reason = "its length is unknown, and unknown_length of its source is \"hold\"";
    assert_eq!(plan(&env)["skipped"][reason], 1);
    for _ in 0..2 {
        env.run_once(0);
        assert_eq!(env.item("a.au")["error"]["message"], reason);
    }
    env.configure_with("", source);
    assert_eq!(plan(&env)["unchecked_length"], 1);
    let run = env.run_once(0);
    assert!(
        run.stderr.contains("its length is unknown"),
        "{}",
        run.stderr
    );
    assert_eq!(env.count("done"), 1);
}

#[test]
fn a_recording_that_an_earlier_version_cancelled_is_submitted() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run(&["scan"]);
    let as_before = "UPDATE jobs SET state = 'cancelled', error_class = 'skipped',
            error_message = 'cannot enforce budget.hours_per_day = 20: the length of the recording is unknown';
        DROP INDEX jobs_over_budget; DELETE FROM _sqlx_migrations WHERE version = 10;
        UPDATE jobs SET error_class = NULL, error_message = NULL WHERE id = 2";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(env.path("state/nightscribe.db"));
        let mut connection = options.connect().await.unwrap();
        connection.execute(as_before).await.unwrap();
        connection.close().await.unwrap();
    });
    env.run_once(0);
    // A job that a person cancelled stays so.
    assert_eq!((env.count("done"), env.count("cancelled")), (1, 1));
}
