//! Paid transcriptions that do not come back.

/// Number of losses in a row after which submissions are held.
const MAX_LOSSES: u32 = 5;

/// Paid generations lost in a row, with no result between.
///
/// One loss is an accident, and the recording is submitted again. Several in a row mean that the service keeps nothing, or
/// answers in a way that cannot be read: each further submission would be paid for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossStreak {
    lost: u32,
}

impl LossStreak {
    /// Counts a loss. Returns whether submissions are to be held.
    ///
    /// `is_held` is whether they are held because of earlier losses. If not, and the row was full, somebody has ended the
    /// hold, and the row begins anew.
    pub const fn record_loss(&mut self, is_held: bool) -> bool {
        if self.lost >= MAX_LOSSES && !is_held {
            self.lost = 0;
        }
        self.lost = self.lost.saturating_add(1);
        self.lost >= MAX_LOSSES
    }

    /// Ends the row: a result came back.
    pub const fn record_result(&mut self) {
        self.lost = 0;
    }

    /// Number of losses since the last result.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_losses_in_a_row_hold_submissions() {
        let mut streak = LossStreak::default();
        let held: Vec<_> = (0..5).map(|_| streak.record_loss(false)).collect();
        assert_eq!(held, [false, false, false, false, true]);
        assert!(streak.record_loss(true));
        streak.record_result();
        assert!(!streak.record_loss(true));
    }

    #[test]
    fn the_row_begins_anew_after_the_hold_was_ended() {
        let mut streak = LossStreak::default();
        let held = (0..5).map(|_| streak.record_loss(false)).last();
        assert_eq!(held, Some(true));
        assert!(!streak.record_loss(false));
        assert_eq!(streak.count(), 1);
    }
}
