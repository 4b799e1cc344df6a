//! Timestamps, as used by the database and the policies.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest point in time. Means "never" in comparisons.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates a timestamp from UTC milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the UTC milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the time `span` after `self`. Saturates at [`Timestamp::MAX`].
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// Returns the time `span` before `self`. Saturates at the earliest point in time.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// Returns the time elapsed since `earlier`. Returns zero if `earlier` is later than `self`, as after the clock was set
    /// back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// Rounds down to whole milliseconds, so that the modification time of a file always maps to the same value.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_millis()).unwrap_or(i128::MAX),
            Err(before) => -(before.duration().as_nanos().div_ceil(1_000_000) as i128),
        };
        Self(millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

/// Formats as RFC 3339 in UTC, truncated to seconds: `2026-11-21T03:04:05Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.0}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Describes the text in the JSON Schemas.
#[cfg(test)]
impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";
        schemars::json_schema!({"type": "string", "format": "date-time", "pattern": pattern})
    }
}

/// Parses RFC 3339.
impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time: jiff::Timestamp = serde::Deserialize::deserialize(deserializer)?;
        Ok(Self(time.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_gives_a_zero_span() {
        let (early, late) = (Timestamp::from_millis(10), Timestamp::from_millis(30));
        assert_eq!(late.since(early), Duration::from_millis(20));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn long_spans_saturate() {
        assert_eq!(
            Timestamp::from_millis(5).after(Duration::MAX),
            Timestamp::MAX
        );
        assert!(Timestamp::from_millis(5).before(Duration::MAX).millis() < 0);
    }

    #[test]
    fn displays_as_rfc_3339_in_utc() {
        let time = Timestamp::from_millis(1_795_230_245_999);
        assert_eq!(time.to_string(), "2026-11-21T03:04:05Z");
    }
}
