//! Every answer in every state in which a call is in flight, and properties that hold for all of them.

use super::*;
use crate::domain::Timestamp;
use crate::domain::on_uncertain::OnUncertain;
use crate::policy::backoff::Backoff;
use crate::policy::polling::PollPolicy;
use proptest::prelude::*;
use std::fmt::Write;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const ANSWERS: [Answer; 22] = [
    Answer::Accepted,
    Answer::Completed,
    Answer::WithoutResult,
    Answer::InProgress,
    Answer::TranscriptionFailed,
    Answer::NotFound,
    Answer::FileChanged,
    Answer::Refused,
    Answer::KeyRefused,
    Answer::NoCredit,
    Answer::RateLimited,
    Answer::Unreachable,
    Answer::ServerError,
    Answer::ModelGone { is_certain: true },
    Answer::ModelGone { is_certain: false },
    Answer::ModelFailing,
    Answer::Lost,
    Answer::Unreadable,
    Answer::Unusable,
    Answer::Listed,
    Answer::Unlisted,
    Answer::NoRequestLog,
];

const RULES: Rules = Rules {
    max_attempts: 3,
    backoff: Backoff {
        initial: Duration::from_secs(10),
        max: Duration::from_secs(900),
    },
    polling: PollPolicy {
        interval: Duration::from_secs(10),
        max_interval: Duration::from_secs(60),
        retention: HOUR,
    },
    on_uncertain: OnUncertain::Resubmit,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A job whose call began at 0 s, with one attempt of three spent.
fn facts(call: Call) -> Facts {
    Facts {
        rules: RULES,
        call,
        attempts: 1,
        outage: false,
        wait_until: at(100_000),
        refused_alike: false,
    }
}

/// A poll of a generation that this run has polled from the beginning.
const fn poll(age_s: u64) -> Call {
    poll_after(age_s, EarlierAnswers::NONE)
}

const fn poll_after(age_s: u64, earlier: EarlierAnswers) -> Call {
    let age = Duration::from_secs(age_s);
    Call::Poll(Poll {
        age,
        watched: age,
        missing: Duration::ZERO,
        earlier,
    })
}

/// A poll after 404s for so long.
const fn missing(missing_s: u64) -> Call {
    let age = Duration::from_secs(1800);
    Call::Poll(Poll {
        age,
        watched: age,
        missing: Duration::from_secs(missing_s),
        earlier: EarlierAnswers {
            found: true,
            ..EarlierAnswers::NONE
        },
    })
}

const fn look_up(lookups: u32, age_s: u64) -> Call {
    Call::LookUp {
        age: Duration::from_secs(age_s),
        lookups,
    }
}

/// One line: the hold, if any, and the change with times in seconds since the call began.
fn shown(effect: Effect) -> String {
    let hold = effect
        .hold
        .map_or_else(String::new, |kind| format!("hold {}, ", kind.as_str()));
    let due = |due: Timestamp| format!("{} s", due.millis() / 1000);
    let change = match effect.change {
        JobChange::Accept => "pending".to_owned(),
        JobChange::Complete => "received".to_owned(),
        JobChange::PollAgain {
            unfinished,
            due: at,
        } => {
            let when = at.map_or_else(|| "by schedule".to_owned(), due);
            let seen = if unfinished { ", seen unfinished" } else { "" };
            format!("poll again {when}{seen}")
        }
        JobChange::LookUp => "uncertain".to_owned(),
        JobChange::LookUpAgain { due: at, counted } => {
            let counted = if counted { "" } else { ", not counted" };
            format!("look up again {}{counted}", due(at))
        }
        JobChange::Requeue {
            outcome,
            due: at,
            spent,
            reason,
        } => {
            let spent = if spent { "spent" } else { "given back" };
            format!(
                "queued {}, {}, {spent}, {reason:?}",
                due(at),
                outcome.as_str()
            )
        }
        JobChange::Fail { outcome, reason } => format!("failed, {}, {reason:?}", outcome.as_str()),
        JobChange::Nothing => "-".to_owned(),
    };
    hold + &change
}

fn table(facts: &[(&str, Facts, Timestamp)]) -> String {
    let mut table = String::new();
    for (name, facts, now) in facts {
        writeln!(table, "{name}").unwrap();
        for answer in ANSWERS {
            let effect = shown(decide(answer, facts, *now, 0.0));
            writeln!(table, "  {:38}{effect}", format!("{answer:?}")).unwrap();
        }
    }
    table
}

#[test]
fn every_answer_in_every_state() {
    let outage = Facts {
        outage: true,
        ..facts(Call::Submission)
    };
    let last = |call| Facts {
        attempts: RULES.max_attempts,
        ..facts(call)
    };
    let alike = Facts {
        refused_alike: true,
        ..facts(poll(1800))
    };
    let hold = Facts {
        rules: Rules {
            on_uncertain: OnUncertain::Hold,
            ..RULES
        },
        ..facts(look_up(99, 3600))
    };
    let table = table(&[
        ("submission", facts(Call::Submission), at(5)),
        ("submission in an outage", outage, at(5)),
        ("submission, last attempt", last(Call::Submission), at(5)),
        ("poll", facts(poll(1800)), at(1800)),
        (
            "poll after 404s for five minutes",
            facts(missing(300)),
            at(1800),
        ),
        ("poll, refused before in the same words", alike, at(1800)),
        (
            "poll after an unusable answer",
            facts(poll_after(
                1800,
                EarlierAnswers {
                    unusable: true,
                    ..EarlierAnswers::NONE
                },
            )),
            at(1800),
        ),
        (
            "poll after twice the retention",
            facts(poll(7200)),
            at(7200),
        ),
        (
            "poll after twice the retention, last attempt",
            last(poll(7200)),
            at(7200),
        ),
        ("first look-up", facts(look_up(0, 5)), at(5)),
        ("last look-up", facts(look_up(99, 3600)), at(200)),
        (
            "last look-up, last attempt",
            last(look_up(99, 3600)),
            at(200),
        ),
        ("last look-up, retry.uncertain = \"hold\"", hold, at(200)),
    ]);
    insta::assert_snapshot!(table);
}

fn any_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        Just(Call::Submission),
        any_poll(),
        (0u32..200, 0u64..8000).prop_map(|(lookups, age_s)| look_up(lookups, age_s)),
    ]
}

fn any_poll() -> impl Strategy<Value = Call> {
    (0u64..20_000, 0.0..=1.0, 0.0..=1.0, any::<bool>()).prop_map(
        |(age_s, watched, missing, found)| {
            let age = Duration::from_secs(age_s);
            let watched = age.mul_f64(watched);
            Call::Poll(Poll {
                age,
                watched,
                missing: watched.mul_f64(missing),
                earlier: EarlierAnswers {
                    found,
                    ..EarlierAnswers::NONE
                },
            })
        },
    )
}

fn any_facts() -> impl Strategy<Value = Facts> {
    (any_call(), 1u32..6, any::<bool>(), any::<bool>()).prop_map(
        |(call, attempts, outage, hold)| Facts {
            attempts,
            outage,
            rules: Rules {
                on_uncertain: if hold {
                    OnUncertain::Hold
                } else {
                    OnUncertain::Resubmit
                },
                ..RULES
            },
            ..facts(call)
        },
    )
}

proptest! {
    #[test]
    fn a_free_attempt_is_given_only_for_what_was_not_billed(
        answer in proptest::sample::select(ANSWERS.to_vec()), facts in any_facts(), now in 0i64..20_000, jitter in 0.0..=1.0,
    ) {
        if let JobChange::Requeue { outcome, spent: false, .. } = decide(answer, &facts, at(now), jitter).change {
            prop_assert!(outcome.is_free());
            prop_assert_eq!(facts.call, Call::Submission);
        }
    }

    #[test]
    fn a_lost_answer_is_looked_up_before_anything_else(facts in any_facts(), now in 0i64..20_000) {
        let facts = Facts { call: Call::Submission, ..facts };
        for answer in [Answer::Lost, Answer::Unreadable] {
            prop_assert_eq!(decide(answer, &facts, at(now), 0.5), JobChange::LookUp.into());
        }
    }

    #[test]
    fn a_retry_never_exceeds_the_attempts(
        answer in proptest::sample::select(ANSWERS.to_vec()), facts in any_facts(), now in 0i64..20_000,
    ) {
        if let JobChange::Requeue { spent: true, .. } = decide(answer, &facts, at(now), 0.5).change {
            prop_assert!(facts.attempts < facts.rules.max_attempts);
        }
    }

    #[test]
    fn a_generation_is_given_up_only_when_the_service_says_so_for_long_or_twice_the_retention_is_over(
        answer in proptest::sample::select(ANSWERS.to_vec()), call in any_poll(), facts in any_facts(), now in 0i64..20_000,
    ) {
        let Call::Poll(poll) = call else { unreachable!() };
        let facts = Facts { call, ..facts };
        let given_up = matches!(
            decide(answer, &facts, at(now), 0.5).change,
            JobChange::Requeue { .. } | JobChange::Fail { .. }
        );
        if given_up && answer != Answer::TranscriptionFailed {
            let is_overdue = poll.age >= 2 * HOUR && poll.watched >= HOUR;
            let is_gone = answer == Answer::NotFound && poll.missing >= Duration::from_secs(120);
            prop_assert!(is_overdue || is_gone);
        }
    }

    #[test]
    fn nothing_is_due_before_now(
        answer in proptest::sample::select(ANSWERS.to_vec()), facts in any_facts(), now in 0i64..20_000, jitter in 0.0..=1.0,
    ) {
        let due = match decide(answer, &facts, at(now), jitter).change {
            JobChange::Requeue { due, .. } | JobChange::LookUpAgain { due, .. } => Some(due),
            JobChange::PollAgain { due, .. } => due,
            _ => None,
        };
        prop_assert!(due.is_none_or(|due| due >= at(now)));
    }
}

#[test]
fn holds_limits_and_outages_spend_no_attempt() {
    let outage = Facts {
        outage: true,
        attempts: 99,
        ..facts(Call::Submission)
    };
    for answer in [
        Answer::KeyRefused,
        Answer::NoCredit,
        Answer::RateLimited,
        Answer::Unreachable,
        Answer::ServerError,
        Answer::FileChanged,
    ] {
        let change = decide(answer, &outage, at(0), 0.5).change;
        assert!(
            matches!(change, JobChange::Requeue { spent: false, .. }),
            "{answer:?}: {change:?}"
        );
    }
}

#[test]
fn a_missing_result_is_awaited_for_a_minute_and_is_then_silence() {
    let mut now = 1800;
    let mut polls = 0;
    loop {
        let earlier = EarlierAnswers {
            without_result: polls,
            ..EarlierAnswers::NONE
        };
        let facts = facts(poll_after(1800, earlier));
        match decide(Answer::WithoutResult, &facts, at(now), 0.5).change {
            JobChange::PollAgain { due: Some(due), .. } => now = due.millis() / 1000,
            change => {
                assert_eq!(change, JobChange::Complete);
                break;
            }
        }
        polls += 1;
    }
    assert_eq!((polls, now), (6, 1860));
}

proptest! {
    #[test]
    fn an_unusable_answer_is_never_followed_by_another_payment(
        answer in proptest::sample::select(ANSWERS.to_vec()), attempts in 1u32..6, now in 0i64..20_000,
    ) {
        // A transcription that failed was not charged.
        prop_assume!(answer != Answer::TranscriptionFailed);
        let earlier = EarlierAnswers { unusable: true, ..EarlierAnswers::NONE };
        let facts = Facts { attempts, ..facts(poll_after(now.unsigned_abs(), earlier)) };
        let change = decide(answer, &facts, at(now), 0.5).change;
        let is_requeued = matches!(change, JobChange::Requeue { .. });
        prop_assert!(!is_requeued, "{:?}", change);
    }
}
