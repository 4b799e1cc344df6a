//! Limit on wrong tokens.

use crate::domain::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Number of wrong tokens that an address may present within [`PERIOD`].
const MAX_WRONG: usize = 10;
/// Period in which wrong tokens are counted.
const PERIOD: Duration = Duration::from_secs(60);
/// Number of addresses that are remembered. The one that was wrong longest ago is forgotten first.
const MAX_ADDRESSES: usize = 1000;

/// Wrong tokens of the last minute, by the address that presented them.
#[derive(Debug, Default)]
pub(in crate::http) struct WrongAttempts(Mutex<HashMap<IpAddr, VecDeque<Timestamp>>>);

impl WrongAttempts {
    /// Whether an address may present a token.
    pub(in crate::http) fn may_try(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(times) = wrong.get_mut(&address) else {
            return true;
        };
        // After the clock was set back, a time in the future would count for longer.
        times.retain(|time| *time <= now && now.since(*time) < PERIOD);
        times.len() < MAX_WRONG
    }

    /// Counts a wrong token of an address.
    pub(in crate::http) fn count(&self, address: IpAddr, now: Timestamp) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= MAX_ADDRESSES && !wrong.contains_key(&address) {
            let latest = wrong.iter().min_by_key(|(_, times)| times.back().copied());
            if let Some(oldest) = latest.map(|(address, _)| *address) {
                wrong.remove(&oldest);
            }
        }
        wrong.entry(address).or_default().push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);

    #[test]
    fn wrong_tokens_are_limited_for_each_address() {
        let attempts = WrongAttempts::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        for _ in 0..MAX_WRONG {
            assert!(attempts.may_try(one, NOW));
            attempts.count(one, NOW);
        }
        assert!(!attempts.may_try(one, NOW));
        assert!(attempts.may_try(other, NOW));
        assert!(!attempts.may_try(one, NOW.after(PERIOD - Duration::from_secs(1))));
        assert!(attempts.may_try(one, NOW.after(PERIOD)));
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_nobody() {
        let attempts = WrongAttempts::default();
        let address = "192.0.2.1".parse().unwrap();
        (0..MAX_WRONG).for_each(|_| attempts.count(address, NOW));
        assert!(attempts.may_try(address, NOW.before(PERIOD)));
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = WrongAttempts::default();
        for number in 0..2 * MAX_ADDRESSES as u32 {
            let address = IpAddr::V4(number.into());
            attempts.count(address, NOW.after(Duration::from_millis(number.into())));
        }
        assert_eq!(attempts.0.lock().unwrap().len(), MAX_ADDRESSES);
    }
}
