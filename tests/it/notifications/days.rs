//! The daily summary of a daemon.

use super::{messages, with_command};
use crate::harness::{KEY, TestEnv, settings};
use jiff::tz::TimeZone;
use nightscribe::config::{self, Environment};
use nightscribe::domain::Timestamp;
use nightscribe::notify::Channels;
use nightscribe::pipeline::{Clock, Mode, Observer, Reload, RunEvent, Setup, SystemClock};
use nightscribe::policy::day::next_midnight;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);

/// System clock plus an offset in milliseconds.
struct OffsetClock(AtomicI64);

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() + self.0.load(Ordering::SeqCst))
    }
}

/// Observer that ignores all events.
struct SilentObserver;

impl Observer for SilentObserver {
    fn on_event(&self, _: &RunEvent) {}
}

#[test]
fn a_daemon_sends_a_summary_at_midnight() {
    let env = with_command(TestEnv::with_recordings(settings(), 2));
    // The command runs in the working directory of this process, so its path must be absolute.
    let messages_path = env.path("messages");
    env.configure(&super::notify(&format!(
        "command = ['/bin/sh', '-c', 'cat >> {0}; echo >> {0}']",
        messages_path.display()
    )));
    let now = SystemClock.now();
    let midnight = next_midnight(now.after(HOUR), &TimeZone::system()).unwrap();
    let clock = Arc::new(OffsetClock(AtomicI64::new(
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
        only: None,
        clock: clock.clone(),
        observer: Arc::new(SilentObserver),
        stop: stop.clone(),
        reload: Reload::default(),
    };
    let run = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(nightscribe::pipeline::run(setup))
    });
    env.wait_until("all are done", |env| env.count("done") == 2);
    assert!(messages(&env).is_empty());
    // Advances from an hour before midnight to a minute after it.
    clock.0.fetch_add(3_660_000, Ordering::SeqCst);
    env.wait_until("the summary of the day", |env| !messages(env).is_empty());
    env.add_recording("new.wav", 7);
    env.wait_until("the new recording", |env| env.count("done") == 3);
    stop.cancel();
    run.join().unwrap().unwrap();
    let messages = messages(&env);
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(
        (&messages[0]["done"], &messages[1]["done"]),
        (&2.into(), &1.into())
    );
    assert_eq!(messages[0]["run"]["until"], midnight.to_string());
    assert_eq!(messages[1]["run"]["since"], midnight.to_string());
}
