//! When recordings are submitted, and when a run ends.

use crate::harness::{TestEnv, settings};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use nightscribe::sandbox::Settings;
use std::time::Duration;

/// Hours that begin two hours from now and end three hours from now, in UTC.
fn later() -> String {
    let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC);
    let at = |hours: i64| {
        let time = now.checked_add(hours.hours()).unwrap();
        format!("{:02}:{:02}", time.hour(), time.minute())
    };
    format!("{}-{}", at(2), at(3))
}

fn closed(env: &TestEnv) -> std::process::Command {
    let mut command = env.command(&["run", "--once"]);
    command
        .env("NIGHTSCRIBE__SCHEDULE__ACTIVE_HOURS", later())
        .env("TZ", "UTC");
    command
}

#[test]
fn outside_the_active_hours_nothing_is_submitted_and_the_run_ends_well() {
    let env = TestEnv::with_recordings(settings(), 2);
    let ended = crate::harness::run_command(&mut closed(&env));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("the remaining items stay queued: nothing is submitted before")
    );
    assert_eq!(env.count("queued"), 2);
    assert!(env.sandbox().ledger().generations.is_empty());
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
}

#[test]
fn what_is_pending_is_collected_outside_the_active_hours() {
    let env = TestEnv::with_recordings(settings(), 2);
    let mut killed = env.command(&["run"]);
    killed
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "1h")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "1h");
    let mut killed = killed.spawn().unwrap();
    env.wait_until("the submissions", |env| env.count("pending") == 2);
    killed.kill().unwrap();
    killed.wait().unwrap();
    env.add_recording("third.wav", 3);
    assert_eq!(crate::harness::run_command(&mut closed(&env)).code, 0);
    assert_eq!((env.count("done"), env.count("queued")), (2, 1));
}

#[test]
fn a_run_whose_time_is_over_leaves_nothing_pending() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(2),
            ..settings()
        },
        8,
    );
    // One submission a second: some leave within the time, and not all.
    let ended = env.run(&["run", "--for", "0s"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(env.count("queued"), 8);
    let mut command = env.command(&["run", "--for", "2500ms"]);
    command.env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "60");
    let ended = crate::harness::run_command(&mut command);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("the remaining items stay queued: the submission window has closed")
    );
    assert_eq!(env.count("pending"), 0);
    let (done, queued) = (env.count("done"), env.count("queued"));
    assert!(done >= 1 && queued >= 1, "{done} done, {queued} queued");
    assert_eq!(done as usize, env.sandbox().ledger().generations.len());
}

#[test]
fn an_end_that_is_no_time_is_refused() {
    let env = TestEnv::new(settings());
    let refused = |args: &[&str]| {
        let ended = env.run(args);
        assert_eq!(ended.code, 2);
        ended.stderr
    };
    assert!(refused(&["run", "--until", "25:00"]).contains("expected a time like \"06:00\""));
    assert!(refused(&["run", "--until", "06:00", "--for", "1h"]).contains("cannot be used with"));
    env.configure("active_hours = ['mon 22-6']\n");
    assert!(refused(&["run", "--once"]).contains("expected hours like"));
}
