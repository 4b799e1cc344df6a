//! Durations as text.

use std::time::Duration;

/// Formats a duration with at most two units: `2h 5m`, `41s`.
#[must_use]
pub fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let shown =
            [0, 59, 61, 7500, 90_061].map(|seconds| format_duration(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0s", "59s", "1m 1s", "2h 5m", "1d 1h"]);
    }
}
