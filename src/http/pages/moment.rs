//! Times in a recording as text.

/// Formats a time in a recording: `m:ss`, or `h:mm:ss` from an hour on.
pub(super) fn clock_time(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Returns a time in a recording as the end of a link to it, in seconds. The words of the reading page have these names, so that
/// a link leads to its word also without scripts.
pub(super) fn moment(ms: u64) -> String {
    (ms as f64 / 1000.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_as_short_as_possible() {
        assert_eq!(
            [0, 1000, 61_500, 3_600_001].map(moment),
            ["0", "1", "61.5", "3600.001"]
        );
    }

    #[test]
    fn hours_are_shown_when_there_are_any() {
        let shown = [0.0, 59.9, 60.0, 3599.0, 3600.0, 360_061.5].map(clock_time);
        assert_eq!(
            shown,
            ["0:00", "0:59", "1:00", "59:59", "1:00:00", "100:01:01"]
        );
    }
}
