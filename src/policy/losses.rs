//! Paid transcriptions that do not come back.

use std::time::Duration;

/// Number of losses in a row after which submissions are held.
const MAX_LOSSES: u32 = 5;
/// Number of losses in a row from which a shorter retention is learnt. A single loss is an accident.
const LEARNT_FROM: u32 = 2;
/// Minimum retention that is learnt.
const MIN_RETENTION: Duration = Duration::from_secs(1);

/// Paid generations lost in a row, with no result between.
///
/// One loss is an accident, and the recording is submitted again. Several in a row mean that the service keeps nothing, or
/// answers in a way that cannot be read: each further submission would be paid for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossStreak {
    lost: u32,
    retention: Option<Duration>,
}

impl LossStreak {
    /// Counts a loss. Returns whether submissions are to be held.
    ///
    /// `is_held` is whether they are held because of earlier losses. If not, and the row was full, somebody has ended the
    /// hold, and the row begins again. `gap` is the time from the last poll that found the generation, or from its
    /// acceptance, to the first one that did not, if this run has polled it all the time.
    pub fn record_loss(&mut self, is_held: bool, gap: Option<Duration>) -> bool {
        if self.lost >= MAX_LOSSES && !is_held {
            self.lost = 0;
        }
        self.lost = self.lost.saturating_add(1);
        if let Some(gap) = gap.filter(|_| self.lost >= LEARNT_FROM) {
            let gap = gap.max(MIN_RETENTION);
            self.retention = Some(self.retention.map_or(gap, |learnt| learnt.min(gap)));
        }
        self.lost >= MAX_LOSSES
    }

    /// Time within which the service was seen to finish a transcription and delete it. It keeps none for longer than
    /// that, so all are polled at least this often. `None` if it keeps them as promised.
    #[must_use]
    pub const fn learnt_retention(self) -> Option<Duration> {
        self.retention
    }

    /// Ends the row: a result came back. A learnt retention stays.
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
        let held: Vec<_> = (0..5).map(|_| streak.record_loss(false, None)).collect();
        assert_eq!(held, [false, false, false, false, true]);
        assert!(streak.record_loss(true, None));
        streak.record_result();
        assert!(!streak.record_loss(true, None));
    }

    #[test]
    fn the_row_begins_again_after_the_hold_was_ended() {
        let mut streak = LossStreak::default();
        let held = (0..5).map(|_| streak.record_loss(false, None)).last();
        assert_eq!(held, Some(true));
        assert!(!streak.record_loss(false, None));
        assert_eq!(streak.count(), 1);
    }

    #[test]
    fn several_losses_teach_the_retention() {
        let seconds = Duration::from_secs;
        let mut streak = LossStreak::default();
        streak.record_loss(false, Some(seconds(10)));
        assert_eq!(streak.learnt_retention(), None);
        streak.record_loss(false, Some(seconds(60)));
        assert_eq!(streak.learnt_retention(), Some(seconds(60)));
        streak.record_loss(false, None);
        streak.record_loss(false, Some(seconds(20)));
        streak.record_loss(false, Some(seconds(40)));
        streak.record_result();
        streak.record_loss(false, Some(Duration::ZERO));
        assert_eq!(streak.learnt_retention(), Some(seconds(20)));
    }
}
