//! Retry decision after a failed attempt.

use crate::domain::HoldKind;

/// Cause of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The service or this machine rejects the recording or its options.
    Permanent,
    /// The service rejects the API key.
    KeyRefused,
    /// The account is out of credit.
    NoCredit,
    /// Too many requests (429).
    RateLimited,
    /// The service is unreachable. The submission was certainly not accepted.
    Unreachable,
    /// The service failed, or the connection broke during the upload. The submission was certainly not accepted.
    ServiceFailed,
    /// The submission may have been accepted, and may be billed.
    Uncertain,
    /// The submission was accepted, but the generation was deleted or failed.
    Lost,
}

/// Action for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Requeue without using an attempt. A hold suspends all submissions.
    Hold(HoldKind),
    /// Requeue without using an attempt. The shared back-off delays all requests.
    Wait,
    /// Requeue after the back-off of the job. This uses an attempt.
    Retry,
    /// Fail the job permanently.
    Fail,
}

/// Returns the action for a job after a failed attempt.
///
/// `attempts` counts the attempts used, including this one. `outage` means that requests for several jobs fail and none
/// succeeds. During an outage, a submission that was certainly not accepted does not use an attempt.
#[must_use]
pub fn verdict(cause: Cause, attempts: u32, max_attempts: u32, outage: bool) -> Verdict {
    match cause {
        Cause::Permanent => Verdict::Fail,
        Cause::KeyRefused => Verdict::Hold(HoldKind::Auth),
        Cause::NoCredit => Verdict::Hold(HoldKind::Credit),
        Cause::RateLimited | Cause::Unreachable => Verdict::Wait,
        Cause::ServiceFailed if outage => Verdict::Wait,
        Cause::ServiceFailed | Cause::Uncertain | Cause::Lost if attempts < max_attempts => {
            Verdict::Retry
        }
        Cause::ServiceFailed | Cause::Uncertain | Cause::Lost => Verdict::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CAUSES: [Cause; 8] = [
        Cause::Permanent,
        Cause::KeyRefused,
        Cause::NoCredit,
        Cause::RateLimited,
        Cause::Unreachable,
        Cause::ServiceFailed,
        Cause::Uncertain,
        Cause::Lost,
    ];

    proptest! {
        #[test]
        fn only_permanent_causes_or_exhausted_attempts_fail_a_job(
            cause in proptest::sample::select(CAUSES.to_vec()), attempts in 1u32..20, max in 1u32..20, outage: bool,
        ) {
            if verdict(cause, attempts, max, outage) == Verdict::Fail {
                prop_assert!(cause == Cause::Permanent || attempts >= max);
            }
        }

        #[test]
        fn an_uncertain_submission_always_uses_an_attempt(attempts in 1u32..20, max in 1u32..20, outage: bool) {
            let verdict = verdict(Cause::Uncertain, attempts, max, outage);
            prop_assert!(matches!(verdict, Verdict::Retry | Verdict::Fail));
        }
    }

    #[test]
    fn holds_limits_and_outages_use_no_attempt() {
        for cause in [
            Cause::KeyRefused,
            Cause::NoCredit,
            Cause::RateLimited,
            Cause::Unreachable,
        ] {
            assert!(matches!(
                verdict(cause, 99, 1, false),
                Verdict::Hold(_) | Verdict::Wait
            ));
        }
        assert_eq!(verdict(Cause::ServiceFailed, 99, 1, true), Verdict::Wait);
        assert_eq!(verdict(Cause::ServiceFailed, 1, 5, false), Verdict::Retry);
        assert_eq!(verdict(Cause::ServiceFailed, 5, 5, false), Verdict::Fail);
    }
}
