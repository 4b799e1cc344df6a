//! Display times of cues.
//!
//! Times are in milliseconds. Those of one channel are in order and do not overlap. A cue is held into the silence after
//! it for as long as it takes to read.

use crate::domain::rendering::SubtitleOptions;

/// Minimum display time of a cue, in milliseconds.
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

/// When a cue is spoken, and how much there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpokenCue {
    /// Start and end of the speech.
    pub(super) span: CueSpan,
    /// Width of the text, in columns.
    pub(super) columns: usize,
}

/// Returns the end of the display of a cue: that of the speech, or later if there is more to read and nobody speaks.
///
/// The gap before the next cue may take the end of the speech.
pub(super) fn display_end(
    (start, end): CueSpan,
    columns: usize,
    next_start: Option<u64>,
    options: &SubtitleOptions,
) -> u64 {
    let readable = (columns as u64 * 1000).div_ceil(options.comfortable_cps());
    let end = end
        .max(start + readable.max(MIN_CUE_MS))
        .min(start + MAX_CUE_MS);
    let latest = next_start.map(|next| next.saturating_sub(options.min_gap_ms));
    end.min(latest.unwrap_or(u64::MAX))
}

/// Returns the display times of the cues of one channel, which are sorted by start.
///
/// Where speech overlaps, the later cue is delayed until the earlier one was shown.
pub(super) fn display_spans(cues: &[SpokenCue], options: &SubtitleOptions) -> Vec<CueSpan> {
    let mut free_from = 0;
    let mut spans = Vec::with_capacity(cues.len());
    for (index, cue) in cues.iter().enumerate() {
        let spoken = cue.span.1.saturating_sub(cue.span.0);
        let start = cue.span.0.max(free_from);
        let next_start = cues.get(index + 1).map(|next| next.span.0);
        let spoken_span = (start, start + spoken);
        let end = display_end(spoken_span, cue.columns, next_start, options);
        let without_gap = spoken.saturating_sub(options.min_gap_ms);
        let least = start + without_gap.clamp(1, MIN_CUE_MS);
        let end = end.max(least);
        spans.push((start, end));
        free_from = end + options.min_gap_ms;
    }
    spans
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

/// Formats a time without milliseconds, as `01:02:03`.
pub(super) fn clock_time(millis: u64) -> String {
    let time = format_time(millis, '.');
    time[..time.len() - ".000".len()].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the display times of cues with ten columns of text.
    fn shown(spans: &[CueSpan]) -> Vec<CueSpan> {
        let cue = |span: &CueSpan| SpokenCue {
            span: *span,
            columns: 10,
        };
        let spoken: Vec<_> = spans.iter().map(cue).collect();
        display_spans(&spoken, &SubtitleOptions::default())
    }

    #[test]
    fn a_short_cue_is_extended_only_into_a_gap() {
        assert_eq!(shown(&[(0, 200), (5000, 5100)]), [(0, 1000), (5000, 6000)]);
        assert_eq!(shown(&[(0, 200), (600, 900)]), [(0, 600), (600, 1600)]);
    }

    #[test]
    fn a_fast_cue_is_held_until_it_can_be_read() {
        let end = |span, next| display_end(span, 68, next, &SubtitleOptions::default());
        assert_eq!(end((1000, 3000), None), 5000);
        assert_eq!(end((1000, 3000), Some(3500)), 3500);
        assert_eq!(end((1000, 6000), None), 6000);
    }

    #[test]
    fn cues_keep_their_gap() {
        let options = SubtitleOptions {
            min_gap_ms: 80,
            ..SubtitleOptions::default()
        };
        let cues = [(0, 1500), (1500, 1600), (1600, 4000)];
        let cues = cues.map(|span| SpokenCue { span, columns: 10 });
        let spans = display_spans(&cues, &options);
        assert_eq!(spans, [(0, 1420), (1500, 1520), (1600, 4000)]);
    }

    #[test]
    fn overlapping_cues_become_sequential() {
        assert_eq!(shown(&[(0, 5000), (1000, 2000)]), [(0, 1000), (1000, 2000)]);
        assert_eq!(shown(&[(7, 7), (7, 7)]), [(7, 8), (8, 1008)]);
        assert_eq!(shown(&[(0, 60_000)]), [(0, 7000)]);
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
            let shown = shown(&spans);
            prop_assert!(shown.iter().all(|(start, end)| start < end && end - start <= MAX_CUE_MS));
            prop_assert!(shown.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }
}
