//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

/// Maximum wait from `Retry-After`. A longer one is shortened to this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Parses a `Retry-After` header: a number of seconds, or a date that is compared with `now`.
///
/// The result is at most one hour. Returns `None` for any other value.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() => return None,
        Ok(seconds) => {
            Duration::try_from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64())).ok()?
        }
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn retry_after_is_at_most_one_hour() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let reads = |value| retry_after(value, now);
        assert_eq!(reads("7"), Some(Duration::from_secs(7)));
        assert_eq!(reads(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(reads("86400"), Some(MAX_RETRY_AFTER));
        assert_eq!(
            reads("Sun, 06 Nov 1994 08:50:07 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(reads("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["-1", "NaN", "soon", ""] {
            assert_eq!(reads(nonsense), None, "{nonsense}");
        }
    }
}
