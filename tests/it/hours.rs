//! Active hours, and the end of a run by `--for` and `--until`.

use crate::harness::{TestEnv, settings};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use nightscribe_sandbox::Settings;
use std::time::Duration;

/// Returns active hours that begin in two hours and end in three, in UTC.
fn later_hours() -> String {
    let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC);
    let at = |hours: i64| {
        let time = now.checked_add(hours.hours()).unwrap();
        format!("{:02}:{:02}", time.hour(), time.minute())
    };
    format!("{}-{}", at(2), at(3))
}

/// Returns the command `run --once`, outside its active hours.
fn run_outside_hours(env: &TestEnv) -> std::process::Command {
    let mut command = env.command(&["run", "--once"]);
    command
        .env("NIGHTSCRIBE__SCHEDULE__ACTIVE_HOURS", later_hours())
        .env("TZ", "UTC");
    command
}

#[test]
fn nothing_is_submitted_outside_the_active_hours() {
    let env = TestEnv::with_recordings(settings(), 2);
    let result = crate::harness::run_command(&mut run_outside_hours(&env));
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert!(
        result
            .stderr
            .contains("the remaining items stay queued: nothing is submitted before")
    );
    assert_eq!(env.count("queued"), 2);
    assert!(env.sandbox().ledger().generations.is_empty());
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
}

#[test]
fn pending_items_are_collected_outside_the_active_hours() {
    let env = TestEnv::with_recordings(settings(), 2);
    let mut command = env.command(&["run"]);
    command
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "1h")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "1h");
    let mut child = command.spawn().unwrap();
    env.wait_until("the submissions", |env| env.count("pending") == 2);
    child.kill().unwrap();
    child.wait().unwrap();
    env.add_recording("third.wav", 3);
    assert_eq!(
        crate::harness::run_command(&mut run_outside_hours(&env)).code,
        0
    );
    assert_eq!((env.count("done"), env.count("queued")), (2, 1));
}

#[test]
fn a_timed_run_leaves_nothing_pending() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(2),
            ..settings()
        },
        8,
    );
    // An empty window submits nothing.
    let result = env.run(&["run", "--for", "0s"]);
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert_eq!(env.count("queued"), 8);
    // At one submission per second, only some recordings fit into the window.
    let mut command = env.command(&["run", "--for", "2500ms"]);
    command.env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "60");
    let result = crate::harness::run_command(&mut command);
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert!(
        result
            .stderr
            .contains("the remaining items stay queued: the submission window has closed")
    );
    assert_eq!(env.count("pending"), 0);
    let (done, queued) = (env.count("done"), env.count("queued"));
    assert!(done >= 1 && queued >= 1, "{done} done, {queued} queued");
    assert_eq!(done as usize, env.sandbox().ledger().generations.len());
}

#[test]
fn invalid_times_and_hours_are_rejected() {
    let env = TestEnv::new(settings());
    let rejection = |args: &[&str]| {
        let result = env.run(args);
        assert_eq!(result.code, 2);
        result.stderr
    };
    assert!(rejection(&["run", "--until", "25:00"]).contains("expected a time like \"06:00\""));
    assert!(rejection(&["run", "--until", "06:00", "--for", "1h"]).contains("cannot be used with"));
    env.configure("active_hours = ['mon 22-6']\n");
    assert!(rejection(&["run", "--once"]).contains("expected hours like"));
}
