//! A daemon sums each day up.

use super::{told, with_command};
use crate::harness::{KEY, TestEnv, settings};
use jiff::tz::TimeZone;
use nightscribe::config::{self, Environment};
use nightscribe::domain::Timestamp;
use nightscribe::notify::Channels;
use nightscribe::pipeline::{Clock, Mode, Observer, RunEvent, Setup, SystemClock};
use nightscribe::policy::day::next_midnight;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);

/// The machine's clock, so many milliseconds ahead.
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() + self.0.load(Ordering::SeqCst))
    }
}

struct Nobody;

impl Observer for Nobody {
    fn on_event(&self, _: &RunEvent) {}
}

#[test]
fn a_daemon_tells_at_midnight_what_the_day_came_to() {
    let env = with_command(TestEnv::with_recordings(settings(), 2));
    // The program runs in the folder of this process.
    let told_at = env.path("told");
    env.configure(&super::notify(&format!(
        "command = ['/bin/sh', '-c', 'cat >> {0}; echo >> {0}']",
        told_at.display()
    )));
    let now = SystemClock.now();
    let midnight = next_midnight(now.after(HOUR), &TimeZone::system()).unwrap();
    let clock = Arc::new(Ahead(AtomicI64::new(
        midnight.millis() - now.millis() - 3_600_000,
    )));
    let file = env.path("nightscribe.toml");
    let config = config::load(Some(&file), &Environment::default()).unwrap();
    let stop = CancellationToken::new();
    let setup = Setup {
        channels: Channels::new(&config, &Environment::default()).unwrap(),
        config,
        key: KEY.to_owned().into(),
        mode: Mode::Daemon,
        until: None,
        limit: None,
        clock: clock.clone(),
        observer: Arc::new(Nobody),
        stop: stop.clone(),
    };
    let run = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(nightscribe::pipeline::run(setup))
    });
    env.wait_until("all are done", |env| env.count("done") == 2);
    assert!(told(&env).is_empty());
    // A minute after midnight.
    clock.0.fetch_add(3_660_000, Ordering::SeqCst);
    env.wait_until("the day is told", |env| !told(env).is_empty());
    env.add_recording("new.wav", 7);
    env.wait_until("the next is done", |env| env.count("done") == 3);
    stop.cancel();
    run.join().unwrap().unwrap();
    let told = told(&env);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((&told[0]["done"], &told[1]["done"]), (&2.into(), &1.into()));
    assert_eq!(told[0]["run"]["until"], midnight.to_string());
    assert_eq!(told[1]["run"]["since"], midnight.to_string());
}
