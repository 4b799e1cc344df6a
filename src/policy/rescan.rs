//! Schedule of rescans of a source.
//!
//! A rescan is due shortly after a change in the folder, when a file has settled, and at regular intervals in any case.

use crate::domain::Timestamp;
use std::time::Duration;

/// Debounce time: time without changes before a rescan, so that a thousand new files cause only one rescan.
pub const DEBOUNCE: Duration = Duration::from_millis(500);
/// Maximum time for which a change is debounced.
pub const MAX_DEBOUNCE: Duration = Duration::from_secs(3);
/// Minimum time between the end of a scan and a rescan triggered by a change.
pub const MIN_PAUSE: Duration = Duration::from_secs(2);
/// Minimum pause after a scan, as a multiple of its duration. Rescans triggered by changes thus use at most a fifth of the
/// time.
const PAUSE_PER_SCAN: u32 = 4;

/// Change of a file that may be a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// The file appeared, or its timestamps were set. It may be settled already.
    Appeared,
    /// The file was written. It settles after `settle` at the earliest.
    Written,
}

/// Rescan state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescanSchedule {
    every: Duration,
    settle: Duration,
    /// Start of the last scan. `None` before the first scan.
    began: Option<Timestamp>,
    /// Time before which changes do not trigger a rescan.
    paused_until: Timestamp,
    /// Times of the first and the last change since the start of the last scan.
    appeared: Option<(Timestamp, Timestamp)>,
    /// Earliest time at which a written file may be settled.
    settles: Option<Timestamp>,
}

impl RescanSchedule {
    /// Creates the state of a source that was never scanned. A scan is due immediately.
    ///
    /// `every` is the regular scan interval. `settle` is the time for which a file must be unchanged to be settled.
    #[must_use]
    pub const fn new(every: Duration, settle: Duration) -> Self {
        Self {
            every,
            settle,
            began: None,
            paused_until: Timestamp::from_millis(i64::MIN),
            appeared: None,
            settles: None,
        }
    }

    /// Records a change in the folder of the source.
    pub fn record_change(&mut self, sign: FileChange, now: Timestamp) {
        // If files settle faster than the debounce time, the debounce applies.
        if sign == FileChange::Written && self.settle > DEBOUNCE {
            self.will_settle(now.after(self.settle));
        } else {
            let first = self.appeared.map_or(now, |(first, _)| first);
            self.appeared = Some((first, now));
        }
    }

    /// Records the start of a scan, which covers all changes so far.
    pub fn scan_started(&mut self, now: Timestamp) {
        self.began = Some(now);
        self.appeared = None;
        self.settles = None;
    }

    /// Records the end of a scan. `settles` is the earliest time at which an unsettled file may be settled.
    pub fn scan_finished(&mut self, now: Timestamp, settles: Option<Timestamp>) {
        let took = now.since(self.began.unwrap_or(now));
        self.paused_until = now.after(MIN_PAUSE.max(took * PAUSE_PER_SCAN));
        if let Some(settles) = settles {
            self.will_settle(settles);
        }
    }

    /// Adjusts the recorded times after the clock was set back.
    pub fn clock_set_back(&mut self, now: Timestamp) {
        self.began = self.began.map(|began| began.min(now));
        self.paused_until = self.paused_until.min(now.after(MIN_PAUSE));
        self.appeared = self
            .appeared
            .map(|(first, last)| (first.min(now), last.min(now)));
        self.settles = self
            .settles
            .map(|settles| settles.min(now.after(self.settle)));
    }

    /// Returns the time of the next scan.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        let Some(began) = self.began else {
            return Timestamp::from_millis(i64::MIN);
        };
        let appeared = self
            .appeared
            .map(|(first, last)| last.after(DEBOUNCE).min(first.after(MAX_DEBOUNCE)));
        // The delay includes files that settle shortly afterwards.
        let settled = self.settles.map(|settles| settles.after(DEBOUNCE));
        let triggered = appeared.into_iter().chain(settled).min();
        let regular = began.after(self.every);
        triggered.map_or(regular, |triggered| {
            triggered.max(self.paused_until).min(regular)
        })
    }

    fn will_settle(&mut self, at: Timestamp) {
        self.settles = Some(self.settles.map_or(at, |settles| settles.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(3600);
    const SETTLE: Duration = Duration::from_secs(30);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Returns a source scanned at time 0, with a scan duration of zero.
    fn scanned() -> RescanSchedule {
        let mut source = RescanSchedule::new(EVERY, SETTLE);
        source.scan_started(at(0));
        source.scan_finished(at(0), None);
        source
    }

    #[test]
    fn a_source_never_scanned_is_due() {
        assert!(RescanSchedule::new(EVERY, SETTLE).due_at() < at(0));
    }

    #[test]
    fn without_changes_the_regular_interval_applies() {
        assert_eq!(scanned().due_at(), at(3_600_000));
    }

    #[test]
    fn new_files_are_debounced() {
        let mut source = scanned();
        source.record_change(FileChange::Appeared, at(10_000));
        assert_eq!(source.due_at(), at(10_500));
        source.record_change(FileChange::Appeared, at(10_400));
        assert_eq!(source.due_at(), at(10_900));
    }

    #[test]
    fn constant_changes_do_not_delay_a_rescan_forever() {
        let mut source = scanned();
        for millis in 0..100 {
            source.record_change(FileChange::Appeared, at(10_000 + millis * 100));
        }
        assert_eq!(source.due_at(), at(13_000));
    }

    #[test]
    fn constant_changes_cause_a_rescan_every_few_seconds() {
        let mut source = scanned();
        let mut scans = Vec::new();
        for millis in (10_000..70_000).step_by(10) {
            source.record_change(FileChange::Appeared, at(millis));
            if source.due_at() <= at(millis) {
                source.scan_started(at(millis));
                source.scan_finished(at(millis), None);
                scans.push(millis);
            }
        }
        assert_eq!(scans.len(), 19);
        assert!(scans.windows(2).all(|two| two[1] - two[0] >= 3000));
    }

    #[test]
    fn a_change_right_after_a_scan_waits() {
        let mut source = scanned();
        source.record_change(FileChange::Appeared, at(1));
        assert_eq!(source.due_at(), at(2000));
    }

    #[test]
    fn a_long_scan_is_followed_by_a_long_pause() {
        let mut source = scanned();
        source.scan_started(at(10_000));
        source.record_change(FileChange::Appeared, at(11_000));
        source.scan_finished(at(15_000), None);
        assert_eq!(source.due_at(), at(35_000));
    }

    #[test]
    fn changes_during_a_scan_cause_one_rescan() {
        let mut source = scanned();
        source.scan_started(at(10_000));
        source.record_change(FileChange::Appeared, at(10_001));
        source.record_change(FileChange::Appeared, at(10_002));
        source.scan_finished(at(10_003), None);
        assert_eq!(source.due_at(), at(12_003));
        source.scan_started(at(12_003));
        source.scan_finished(at(12_003), None);
        assert_eq!(source.due_at(), at(3_612_003));
    }

    #[test]
    fn a_written_file_is_scanned_once_settled() {
        let mut source = scanned();
        for second in 10..20 {
            source.record_change(FileChange::Written, at(second * 1000));
        }
        assert_eq!(source.due_at(), at(40_500));
        source.scan_started(at(40_500));
        source.scan_finished(at(40_500), Some(at(49_000)));
        assert_eq!(source.due_at(), at(49_500));
    }

    #[test]
    fn a_zero_settle_time_still_debounces() {
        let mut source = RescanSchedule::new(EVERY, Duration::ZERO);
        source.scan_started(at(0));
        source.scan_finished(at(0), None);
        source.record_change(FileChange::Written, at(10_000));
        source.record_change(FileChange::Written, at(10_400));
        assert_eq!(source.due_at(), at(10_900));
    }

    #[test]
    fn the_first_settled_file_triggers_the_rescan() {
        let mut source = scanned();
        source.scan_started(at(10_000));
        source.record_change(FileChange::Written, at(10_001));
        source.scan_finished(at(10_002), Some(at(39_000)));
        assert_eq!(source.due_at(), at(39_500));
    }

    #[test]
    fn the_regular_interval_applies_despite_later_changes() {
        let mut source = RescanSchedule::new(Duration::from_secs(1), SETTLE);
        source.scan_started(at(0));
        source.scan_finished(at(0), Some(at(30_000)));
        source.record_change(FileChange::Appeared, at(1));
        assert_eq!(source.due_at(), at(1000));
    }

    #[test]
    fn a_clock_set_back_does_not_delay_rescans() {
        let mut source = scanned();
        source.scan_started(at(9_000_000));
        source.record_change(FileChange::Appeared, at(9_000_001));
        source.scan_finished(at(9_000_002), Some(at(9_020_000)));
        source.clock_set_back(at(1000));
        assert_eq!(source.due_at(), at(3000));
        source.scan_started(at(3000));
        source.scan_finished(at(3000), None);
        assert_eq!(source.due_at(), at(3_603_000));
    }
}
