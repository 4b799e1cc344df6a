//! A service with a lower limit than the configured one.

use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::Settings;
use std::time::Duration;

#[test]
fn a_lower_limit_of_the_service_is_learned() {
    // The limit is 20 per second, that is, 1200 per minute. The configured limit is 60000 per minute.
    let settings = Settings {
        submits_per_minute: Some(20),
        minute: Duration::from_secs(1),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 150);
    env.run_once(0);
    assert_eq!(env.count("done"), 150);
    let ledger = env.sandbox().ledger();
    assert_eq!(ledger.generations.len(), 150);
    assert!(ledger.peak_submits_per_minute <= 20);
    // The estimate is halved six times from 60000 to below 1200. Each burst has at most four concurrent submissions.
    assert!(ledger.over_limit <= 6 * 4, "{}", ledger.over_limit);
}
