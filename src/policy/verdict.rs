//! What becomes of a job after a failure.

use crate::domain::HoldKind;

/// Why a try did not lead to a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The service or this machine refuses this very recording or its options.
    Permanent,
    /// The service refuses the key.
    KeyRefused,
    /// The account has no credit.
    NoCredit,
    /// Too many requests.
    RateLimited,
    /// The service was not reached at all: certainly nothing was accepted.
    Unreachable,
    /// The service failed on it, or the connection broke on the way there: certainly nothing was accepted.
    ServiceFailed,
    /// The service may have accepted, and will bill, what was sent.
    Uncertain,
    /// A generation was accepted and is gone, or ended in failure.
    Lost,
}

/// What to do with the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Back to the queue with its attempt given back; everything waits for the hold.
    Hold(HoldKind),
    /// Back to the queue with its attempt given back; everything waits for the shared back-off.
    Wait,
    /// Back to the queue, the attempt spent, after the job's own back-off.
    Retry,
    /// Nothing more is tried.
    Fail,
}

/// The verdict on a job of which `attempts` are spent with this one, of `max_attempts`. In an `outage` (requests for
/// several jobs fail, none succeeds) nothing that was certainly not accepted is a job's own fault.
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
        fn a_job_fails_only_for_a_permanent_cause_or_with_its_attempts_spent(
            cause in proptest::sample::select(CAUSES.to_vec()), attempts in 1u32..20, max in 1u32..20, outage: bool,
        ) {
            if verdict(cause, attempts, max, outage) == Verdict::Fail {
                prop_assert!(cause == Cause::Permanent || attempts >= max);
            }
        }

        #[test]
        fn what_may_have_been_paid_always_spends_an_attempt(attempts in 1u32..20, max in 1u32..20, outage: bool) {
            let verdict = verdict(Cause::Uncertain, attempts, max, outage);
            prop_assert!(matches!(verdict, Verdict::Retry | Verdict::Fail));
        }
    }

    #[test]
    fn holds_limits_and_outages_spend_no_attempt() {
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
