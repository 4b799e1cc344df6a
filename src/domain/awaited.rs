//! Results that a stopped run leaves at the service.

use super::local_time::format_time;
use super::time::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Paid results that are still at the service. Only a run collects them, and only until they expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AwaitedResults {
    /// Number of accepted submissions without a result.
    pub pending: u64,
    /// Number of submissions whose answer is not known. The next start looks them up.
    pub uncertain: u64,
    /// Earliest expiry of a pending one.
    pub first_expiry: Option<Timestamp>,
    /// Latest expiry of a pending one.
    pub last_expiry: Option<Timestamp>,
}

impl AwaitedResults {
    /// Whether nothing waits at the service.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pending == 0 && self.uncertain == 0
    }

    /// Returns what waits and by when the next run has to start, in the time zone `zone`. `None` if nothing waits.
    #[must_use]
    pub fn advice(&self, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let mut sentences = Vec::new();
        sentences.extend(self.pending_advice(now, zone));
        match self.uncertain {
            0 => {}
            1 => sentences
                .push("1 submission may have been accepted; the next start looks it up".to_owned()),
            many => sentences.push(format!(
                "{many} submissions may have been accepted; the next start looks them up"
            )),
        }
        (!sentences.is_empty()).then(|| sentences.join(". "))
    }

    fn pending_advice(&self, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let shown = |time| format_time(time, now, zone);
        let (first, last) = (self.first_expiry.map(shown), self.last_expiry.map(shown));
        let (what, them) = match self.pending {
            0 => return None,
            1 => ("1 paid transcript waits".to_owned(), "it"),
            many => (format!("{many} paid transcripts wait"), "them"),
        };
        let until = match (first, last) {
            (Some(first), Some(last)) if first != last => {
                format!("until {first} (the last until {last})")
            }
            (Some(first), _) => format!("until {first}"),
            (None, _) => "for a limited time".to_owned(),
        };
        Some(format!(
            "{what} at the service {until}; start nightscribe before then to collect {them} without paying again"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn advice(pending: u64, uncertain: u64, expiries: [u64; 2]) -> Option<String> {
        let now = Timestamp::from_millis(1_795_230_245_000);
        let [first, last] = expiries.map(|seconds| Some(now.after(Duration::from_secs(seconds))));
        let awaited = AwaitedResults {
            pending,
            uncertain,
            first_expiry: first.filter(|_| pending > 0),
            last_expiry: last.filter(|_| pending > 0),
        };
        assert_eq!(awaited.is_empty(), pending + uncertain == 0);
        awaited.advice(now, &TimeZone::fixed(jiff::tz::offset(1)))
    }

    #[test]
    fn the_advice_names_number_and_local_time() {
        assert_eq!(advice(0, 0, [0, 0]), None);
        assert_eq!(
            advice(1, 0, [3600, 3600]).unwrap(),
            "1 paid transcript waits at the service until 05:04; start nightscribe before then to collect it without paying again"
        );
        assert_eq!(
            advice(3, 0, [1800, 3600]).unwrap(),
            "3 paid transcripts wait at the service until 04:34 (the last until 05:04); start nightscribe before then to collect them without paying again"
        );
        assert!(
            advice(2, 0, [90_000, 90_000])
                .unwrap()
                .contains("until 2026-11-22 05:04;")
        );
        assert_eq!(
            advice(0, 2, [0, 0]).unwrap(),
            "2 submissions may have been accepted; the next start looks them up"
        );
        assert!(
            advice(1, 1, [60, 60]).unwrap().ends_with(
                "again. 1 submission may have been accepted; the next start looks it up"
            )
        );
    }
}
