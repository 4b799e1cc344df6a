//! Sentence for the reason that an item is not done.

use super::wait_reason::WaitReason;
use crate::domain::local_time::format_time;
use crate::domain::{Failure, Timestamp};
use jiff::tz::TimeZone;

/// Writes reasons with times in local time, with the date unless they are close to `now`.
#[derive(Debug, Clone)]
pub struct WaitText {
    /// Time to which the others are close or not.
    pub now: Timestamp,
    /// Time zone of the times.
    pub zone: TimeZone,
}

impl WaitText {
    /// Writes times in the time zone of this machine.
    #[must_use]
    pub fn local(now: Timestamp) -> Self {
        let zone = TimeZone::system();
        Self { now, zone }
    }

    /// Returns the sentence.
    #[must_use]
    pub fn of(&self, reason: &WaitReason) -> String {
        match reason {
            WaitReason::ResponseLost => "response lost; looking up the outcome".to_owned(),
            WaitReason::SourceNotConfigured { source } => {
                format!("[[source]] `{source}` is no longer configured")
            }
            WaitReason::FolderMissing => "its folder is missing".to_owned(),
            WaitReason::OverBudget { reason } => format!("waits for the budget: {reason}"),
            WaitReason::Held { hold } => format!("held: {}", hold.reason()),
            WaitReason::OutsideActiveHours { until } => {
                format!("outside the active hours until {}", self.clock(*until))
            }
            WaitReason::DuplicateInFlight { item } => {
                format!("same audio as item {item}, which is in flight")
            }
            WaitReason::PreviousVersionInFlight { item } => {
                format!("file changed; item {item}, its previous version, is in flight")
            }
            WaitReason::NextAttempt { at, last_failure } => with_failure(
                &format!("next attempt at {}", self.clock(*at)),
                last_failure,
            ),
            WaitReason::Turn { last_failure } => with_failure("waiting for its turn", last_failure),
            WaitReason::NextRun { last_failure } => {
                with_failure("waiting for the next run", last_failure)
            }
            WaitReason::Sending => "is being sent".to_owned(),
            WaitReason::SendingInterrupted => {
                "was being sent when the run was interrupted; the next run looks up the outcome"
                    .to_owned()
            }
            WaitReason::Pending {
                since,
                expires_at,
                is_expired,
            } => self.pending(*since, *expires_at, *is_expired),
            WaitReason::NotWritten => "received; its files are not written yet".to_owned(),
            WaitReason::WriteFailed {
                failure,
                next_attempt_at,
            } => self.write_failed(failure, *next_attempt_at),
        }
    }

    fn pending(&self, since: Timestamp, expires_at: Option<Timestamp>, is_expired: bool) -> String {
        let since = format!("pending since {}", self.clock(since));
        match expires_at.map(|expiry| self.clock(expiry)) {
            Some(expiry) if is_expired => {
                format!("{since}, expired {expiry} unless the service still has it")
            }
            Some(expiry) => format!("{since}, expires {expiry}"),
            None => since,
        }
    }

    fn write_failed(&self, failure: &Failure, next_attempt_at: Option<Timestamp>) -> String {
        let next = next_attempt_at.map_or_else(String::new, |at| {
            format!("; next attempt at {}", self.clock(at))
        });
        format!("received; cannot be written: {}{next}", failure.message)
    }

    fn clock(&self, time: Timestamp) -> String {
        format_time(time, self.now, &self.zone)
    }
}

fn with_failure(wait: &str, failure: &Option<Failure>) -> String {
    match failure {
        Some(failure) => format!("{wait} ({failure})"),
        None => wait.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ErrorClass, HoldKind, JobId};
    use std::time::Duration;

    /// 2026-11-21T03:04:05Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn text(reason: WaitReason) -> String {
        let zone = TimeZone::UTC;
        WaitText { now: NOW, zone }.of(&reason)
    }

    #[test]
    fn a_queued_item_shows_its_last_failure() {
        let network = Failure::new(ErrorClass::Network, "connection refused");
        let last_failure = Some(network);
        let at = NOW.after(HOUR);
        assert_eq!(
            text(WaitReason::NextAttempt { at, last_failure }),
            "next attempt at 04:04 (network: connection refused)"
        );
        let last_failure = None;
        assert_eq!(
            text(WaitReason::NextAttempt { at, last_failure }),
            "next attempt at 04:04"
        );
        let last_failure = None;
        assert_eq!(
            text(WaitReason::Turn { last_failure }),
            "waiting for its turn"
        );
        let last_failure = None;
        assert_eq!(
            text(WaitReason::NextRun { last_failure }),
            "waiting for the next run"
        );
    }

    #[test]
    fn a_hold_is_named() {
        for (hold, expected) in [
            (HoldKind::Auth, "held: API key rejected"),
            (HoldKind::Credit, "held: out of credit"),
            (HoldKind::Operator, "held: paused"),
            (HoldKind::Disk, "held: too little disk space"),
        ] {
            assert_eq!(text(WaitReason::Held { hold }), expected);
        }
    }

    #[test]
    fn obstacles_are_named() {
        let until = NOW.after(HOUR);
        let source = "old".to_owned();
        let texts = [
            WaitReason::ResponseLost,
            WaitReason::SourceNotConfigured { source },
            WaitReason::FolderMissing,
            WaitReason::OutsideActiveHours { until },
            WaitReason::DuplicateInFlight { item: JobId(12) },
            WaitReason::PreviousVersionInFlight { item: JobId(3) },
            WaitReason::Sending,
            WaitReason::SendingInterrupted,
        ]
        .map(text);
        assert_eq!(
            texts,
            [
                "response lost; looking up the outcome",
                "[[source]] `old` is no longer configured",
                "its folder is missing",
                "outside the active hours until 04:04",
                "same audio as item 12, which is in flight",
                "file changed; item 3, its previous version, is in flight",
                "is being sent",
                "was being sent when the run was interrupted; the next run looks up the outcome",
            ]
        );
    }

    #[test]
    fn a_pending_item_shows_its_start_and_expiry() {
        let pending = |expires_at: Option<Timestamp>, is_expired: bool| {
            text(WaitReason::Pending {
                since: NOW.before(HOUR / 2),
                expires_at,
                is_expired,
            })
        };
        assert_eq!(
            pending(Some(NOW.after(HOUR / 2)), false),
            "pending since 02:34, expires 03:34"
        );
        assert_eq!(
            pending(Some(NOW), true),
            "pending since 02:34, expired 03:04 unless the service still has it"
        );
        assert_eq!(pending(None, false), "pending since 02:34");
    }

    #[test]
    fn a_received_item_shows_its_write_failure() {
        assert_eq!(
            text(WaitReason::NotWritten),
            "received; its files are not written yet"
        );
        let full = |next_attempt_at: Option<Timestamp>| {
            let failure = Failure::new(ErrorClass::Output, "no room");
            text(WaitReason::WriteFailed {
                failure,
                next_attempt_at,
            })
        };
        assert_eq!(full(None), "received; cannot be written: no room");
        assert_eq!(
            full(Some(NOW.after(HOUR))),
            "received; cannot be written: no room; next attempt at 04:04"
        );
    }
}
