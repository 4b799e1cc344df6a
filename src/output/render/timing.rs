//! Display times of cues.
//!
//! Times are in milliseconds, in order and never overlap. Cues are long enough to read if the gap allows it.

/// Minimum time to read a cue, in milliseconds.
const MIN_CUE_MS: u64 = 1000;
/// Maximum length of a cue, in milliseconds.
pub(super) const MAX_CUE_MS: u64 = 7000;

/// Maximum time in milliseconds (31 years). Larger values are invalid and would overflow.
const MAX_TIME_MS: f64 = 1e12;
/// Assumed rate of speech, in characters per second.
const CHARACTERS_PER_SECOND: f64 = 15.0;

/// Start and end of a cue in milliseconds.
pub(super) type CueSpan = (u64, u64);

/// Rounds seconds to milliseconds. Accepts NaN, infinite and negative values.
pub(super) fn millis(seconds: f64) -> u64 {
    // The cast saturates, and NaN becomes 0.
    (seconds * 1000.0).round().clamp(0.0, MAX_TIME_MS) as u64
}

/// Converts milliseconds to seconds.
pub(super) fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// Estimates the time it took to say the text, in seconds.
pub(super) fn estimate_duration_s(text: &str) -> f64 {
    text.chars().count() as f64 / CHARACTERS_PER_SECOND
}

/// Corrects the times of cues, which are sorted by start.
///
/// Where people speak at the same time, the later cue is delayed until the earlier one could be read.
pub(super) fn correct_spans(spans: &mut [CueSpan]) {
    let mut free_from = 0;
    for index in 0..spans.len() {
        let (start, end) = spans[index];
        let spoken = end.saturating_sub(start);
        let start = start.max(free_from);
        let next = spans.get(index + 1).map_or(u64::MAX, |next| next.0);
        let readable = (start + spoken.max(MIN_CUE_MS)).min(next);
        let least = start + spoken.clamp(1, MIN_CUE_MS);
        let end = readable.max(least).min(start + MAX_CUE_MS);
        spans[index] = (start, end);
        free_from = end;
    }
}

/// Formats a time as `01:02:03`, `separator` and milliseconds. Hours may have more than two digits.
pub(super) fn format_time(millis: u64, separator: char) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!(
        "{:02}:{:02}:{:02}{separator}{millis:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(spans: &[CueSpan]) -> Vec<CueSpan> {
        let mut spans = spans.to_vec();
        correct_spans(&mut spans);
        spans
    }

    #[test]
    fn a_short_cue_is_extended_only_into_a_gap() {
        assert_eq!(mended(&[(0, 200), (5000, 5100)]), [(0, 1000), (5000, 6000)]);
        assert_eq!(mended(&[(0, 200), (600, 900)]), [(0, 600), (600, 1600)]);
    }

    #[test]
    fn overlapping_cues_become_sequential() {
        assert_eq!(
            mended(&[(0, 5000), (1000, 2000)]),
            [(0, 1000), (1000, 2000)]
        );
        assert_eq!(mended(&[(7, 7), (7, 7)]), [(7, 8), (8, 1008)]);
        assert_eq!(mended(&[(0, 60_000)]), [(0, 7000)]);
    }

    #[test]
    fn hours_may_have_three_digits() {
        assert_eq!(format_time(3_723_004, ','), "01:02:03,004");
        assert_eq!(format_time(400 * 3_600_000, '.'), "400:00:00.000");
        assert_eq!(millis(1.000_499_9), 1000);
        assert_eq!(millis(f64::NAN), 0);
        assert_eq!(millis(-1.0), 0);
        assert_eq!(millis(f64::INFINITY), millis(1e300));
    }

    proptest! {
        #[test]
        fn corrected_cues_are_in_order_and_not_empty(mut starts in proptest::collection::vec((0..20_000_u64, 0..9_000_u64), 0..30)) {
            starts.sort_unstable();
            let spans: Vec<_> = starts.iter().map(|(start, length)| (*start, start + length)).collect();
            let mended = mended(&spans);
            prop_assert!(mended.iter().all(|(start, end)| start < end && end - start <= MAX_CUE_MS));
            prop_assert!(mended.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }
}
