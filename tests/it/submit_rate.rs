//! A service that takes fewer submissions than the configuration says.

use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::Settings;
use std::time::Duration;

#[test]
fn a_limit_of_the_service_below_the_configured_one_is_found_and_kept_to() {
    // 1200 a minute are taken, in minutes of a second; 60000 are configured.
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
    // At most one burst for each halving from 60000 to below 1200, of at most as many as may be sent at once.
    assert!(ledger.over_limit <= 6 * 4, "{}", ledger.over_limit);
}
