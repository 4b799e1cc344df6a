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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_shown_when_there_are_any() {
        let shown = [0.0, 59.9, 60.0, 3599.0, 3600.0, 360_061.5].map(clock_time);
        assert_eq!(
            shown,
            ["0:00", "0:59", "1:00", "59:59", "1:00:00", "100:01:01"]
        );
    }
}
