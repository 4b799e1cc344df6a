//! What may be submitted: hours of audio, money, a number of recordings, and what is left out.

use crate::harness::{TestEnv, settings, wav};
use std::fs;

/// Recordings of so many seconds of sound each, none like another.
fn lengths(env: &TestEnv, seconds: &[u32]) {
    for (number, seconds) in (0..).zip(seconds) {
        let path = env.path("recordings").join(format!("{number}.wav"));
        fs::write(path, wav(number, seconds * 8000)).unwrap();
    }
}

fn submitted(env: &TestEnv) -> usize {
    env.sandbox().ledger().generations.len()
}

#[test]
fn a_budget_of_hours_is_used_up_exactly_under_many_uploads() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.02\n");
    lengths(&env, &[6; 24]);
    let mut command = env.command(&["run", "--once"]);
    command.env("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "16");
    let ended = crate::harness::run_command(&mut command);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // 72 s a day, 6 s each.
    assert_eq!((env.count("done"), env.count("queued")), (12, 12));
    assert_eq!(submitted(&env), 12);
    assert!(ended.stderr.contains("held (budget)"), "{}", ended.stderr);
    let hold = &env.status()["holds"][0];
    assert_eq!(hold["kind"], "budget");
    assert!(hold["ends"].is_string());
    assert!(
        hold["message"]
            .as_str()
            .unwrap()
            .contains("would exceed budget.hours_per_day = 0.02; submissions resume at")
    );
    // What was submitted today counts in the next run, too.
    env.run_once(0);
    assert_eq!(submitted(&env), 12);
}

#[test]
fn a_budget_of_a_run_begins_anew_with_the_next() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_run = 0.0017\n");
    lengths(&env, &[3; 5]);
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
    assert_eq!(env.status()["holds"], serde_json::json!([]));
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
}

#[test]
fn what_the_service_did_not_take_is_not_on_the_account() {
    let env = TestEnv::with_recordings(
        nightscribe::sandbox::Settings {
            faults: "refuse=0.5".parse().unwrap(),
            ..settings()
        },
        6,
    );
    let ended = env.run(&["run", "--once", "--limit", "6"]);
    assert_eq!((ended.code, env.count("done")), (0, 6), "{}", ended.stderr);
}

#[test]
fn equal_content_needs_no_budget() {
    let env = TestEnv::new(settings());
    lengths(&env, &[6]);
    env.run_once(0);
    env.configure("[budget]\nhours_per_run = 0.001\n");
    let path = |name: &str| env.path("recordings").join(name);
    fs::copy(path("0.wav"), path("1.wav")).unwrap();
    env.run_once(0);
    assert_eq!((submitted(&env), env.count("done")), (1, 2));
}

#[test]
fn a_limit_is_a_first_try() {
    let env = TestEnv::with_recordings(settings(), 5);
    let ended = env.run(&["run", "--once", "--limit", "2"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!((env.count("done"), env.count("queued")), (2, 3));
    env.run_once(0);
    assert_eq!(env.count("done"), 5);
}

#[test]
fn money_is_capped_by_the_prices_and_never_without_them() {
    let env = TestEnv::new(settings());
    lengths(&env, &[6; 4]);
    env.configure("[budget]\ncost_per_month = 1.0\n");
    let refused = env.run(&["run", "--once"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .stderr
            .contains("there is no price for `#g1_nova-2-general`")
    );
    // 0.1 s cost 1/1000: 6 s cost 0.06.
    env.configure("[budget]\ncost_per_month = 0.125\n[prices]\n'#g1_nova-2-general' = 0.6\n");
    env.run_once(0);
    assert_eq!((submitted(&env), env.count("queued")), (2, 2));
}

#[test]
fn what_is_too_short_long_or_large_is_left_out_and_says_so() {
    let env = TestEnv::new(settings());
    lengths(&env, &[1, 4, 9, 4]);
    fs::write(env.path("recordings/3.wav"), wav(9, 8000 * 30)).unwrap();
    env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmin_duration = '2s'\nmax_duration = '8s'\n\
         max_file_size = '100 kB'\n",
    );
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("cancelled")), (1, 3));
    let why = |name: &str| {
        env.item(name)["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(why("0.wav").contains("shorter than min_duration"));
    assert!(why("2.wav").contains("longer than max_duration"));
    assert!(why("3.wav").contains("larger than max_file_size"));
    assert_eq!(submitted(&env), 1);
    env.configure("");
    let taken = env.run(&["retry", "--error", "skipped"]);
    assert_eq!(taken.stdout, "3 items requeued\n");
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
}

#[test]
fn what_alone_is_more_than_the_budget_holds_nothing_up() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.0015\n");
    lengths(&env, &[9, 2, 2]);
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("cancelled")), (2, 1));
    let message = env.item("0.wav")["error"]["message"].clone();
    assert_eq!(
        message,
        "this recording alone exceeds budget.hours_per_day = 0.0015"
    );
}
