//! So many in any minute.

use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The calls of the last minute, by the time since the start.
#[derive(Debug, Default)]
pub(super) struct Window {
    calls: VecDeque<Duration>,
    pub(super) peak: usize,
}

impl Window {
    /// Counts a call at `now`. Over the limit it is not counted, and the time until there is room is given.
    pub(super) fn enter(&mut self, now: Duration, limit: Option<u32>) -> Result<(), Duration> {
        while self
            .calls
            .front()
            .is_some_and(|call| now.saturating_sub(*call) >= MINUTE)
        {
            self.calls.pop_front();
        }
        if let Some(oldest) = self.calls.front()
            && limit.is_some_and(|limit| self.calls.len() >= limit as usize)
        {
            return Err(MINUTE - (now - *oldest));
        }
        self.calls.push_back(now);
        self.peak = self.peak.max(self.calls.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_slides() {
        let mut window = Window::default();
        let mut enter = |second| window.enter(Duration::from_secs(second), Some(2));
        assert_eq!(enter(0), Ok(()));
        assert_eq!(enter(30), Ok(()));
        assert_eq!(enter(59), Err(Duration::from_secs(1)));
        assert_eq!(enter(60), Ok(()));
        assert_eq!(enter(61), Err(Duration::from_secs(29)));
        assert_eq!(window.peak, 2);
    }
}
