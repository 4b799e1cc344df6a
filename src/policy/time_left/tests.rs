//! Tests of single forecasts. `tests/it/forecast.rs` simulates whole nights.

use super::*;
use crate::policy::hours::HoursRange;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A recording of as many seconds of audio, with 10,000 bytes each.
fn size(audio_s: u64) -> RecordingSize {
    RecordingSize {
        bytes: audio_s * 10_000,
        audio_s: audio_s as f64,
    }
}

const LIMITS: SubmitLimits = SubmitLimits {
    per_minute: 60,
    uploads: 4,
    pending: 500,
};

/// A run since a minute with an acceptance every two seconds, of recordings of 100 s. Each result takes 20 seconds.
fn running() -> Progress {
    let submissions = (0..30).map(|number| Submission {
        size: size(100),
        accepted: secs(2 * number),
        upload: secs(1),
        result: (2 * number >= 20).then_some(secs(20)),
    });
    Progress {
        running: Some(secs(60)),
        limits: LIMITS,
        queued: vec![size(100); 90],
        queued_total: 90,
        sending: Vec::new(),
        pending: vec![
            InFlight {
                size: size(100),
                since: secs(5),
            };
            10
        ],
        submissions: submissions.collect(),
    }
}

/// Returns the seconds until the last result at any hour.
fn left(progress: &Progress) -> Option<u64> {
    let now = Timestamp::from_millis(0);
    let left = time_left(progress)?.within(now, &SubmitWindow::always())?;
    Some(left.as_secs_f64().round() as u64)
}

fn assert_about(progress: &Progress, expected: u64) {
    let left = left(progress).unwrap();
    assert!(
        left.abs_diff(expected) <= expected / 20 + 1,
        "{left} s, not {expected} s"
    );
}

#[test]
fn the_queue_takes_as_long_as_the_last_submissions_show() {
    assert_about(&running(), 180 + 20);
    let long_queue = Progress {
        queued_total: 900,
        ..running()
    };
    assert_about(&long_queue, 1800 + 20);
}

#[test]
fn longer_recordings_take_longer_if_uploads_are_the_limit() {
    // Four uploads at once, of two seconds for each second of audio.
    let submission = |number: u64, audio_s| Submission {
        size: size(audio_s),
        accepted: secs(5 * number),
        upload: secs(2 * audio_s),
        result: Some(secs(5)),
    };
    let short = (0..10).map(|number| submission(number, 10));
    let progress = Progress {
        running: Some(secs(60)),
        queued: vec![size(100); 8],
        queued_total: 8,
        pending: Vec::new(),
        submissions: short.chain([submission(11, 20)]).collect(),
        ..running()
    };
    // Two of the eight follow each other in each of four uploads.
    let by_uploads = left(&progress).unwrap();
    assert!((400..460).contains(&by_uploads), "{by_uploads}");
    // The rate limits all recordings alike. Only the last upload takes longer.
    let limits = SubmitLimits {
        per_minute: 1,
        ..LIMITS
    };
    let slow_rate = Progress { limits, ..progress };
    let left = left(&slow_rate).unwrap();
    assert!((680..700).contains(&left), "{left}");
}

#[test]
fn the_longest_upload_is_waited_for() {
    let mut progress = running();
    progress.queued = vec![size(100), size(20_000)];
    progress.queued_total = 2;
    assert_about(
        &progress,
        200 + (20.0 * 200_f64.powf(speed::RESULT_EXPONENT)) as u64,
    );
}

#[test]
fn what_is_in_flight_has_less_time_left() {
    let mut progress = running();
    (progress.queued, progress.queued_total) = (Vec::new(), 0);
    assert_about(&progress, 15);
    progress.pending[0].since = secs(1);
    assert_about(&progress, 19);
    progress.pending = vec![InFlight {
        size: size(100),
        since: secs(90),
    }];
    assert_eq!(left(&progress), Some(0));
    progress.sending = vec![InFlight {
        size: size(1000),
        since: secs(4),
    }];
    assert_about(
        &progress,
        6 + (20.0 * 10_f64.powf(speed::RESULT_EXPONENT)) as u64,
    );
    (progress.pending, progress.sending) = (Vec::new(), Vec::new());
    assert_eq!(left(&progress), None);
}

#[test]
fn the_last_of_several_results_is_slower_than_the_usual_one() {
    let mut progress = running();
    // Half of the results take 20 seconds, and half 30.
    for (number, one) in progress.submissions.iter_mut().enumerate() {
        let result = secs(if number % 2 == 0 { 20 } else { 30 });
        one.result = (one.accepted >= result).then_some(result);
    }
    (progress.queued, progress.queued_total) = (Vec::new(), 0);
    assert_about(&progress, 25);
    // None of them was there after 20 seconds.
    progress.pending = vec![
        InFlight {
            size: size(100),
            since: secs(22),
        };
        2
    ];
    assert_about(&progress, 8);
}

#[test]
fn results_that_are_not_there_yet_count_with_their_age() {
    let mut progress = running();
    // The fast half of the last submissions has arrived, the slow one takes 50 seconds.
    for (number, one) in progress.submissions.iter_mut().enumerate() {
        let result = secs(if number % 2 == 0 { 4 } else { 50 });
        one.result = (one.accepted >= result).then_some(result);
    }
    progress.pending = vec![
        InFlight {
            size: size(100),
            since: secs(1),
        };
        4
    ];
    (progress.queued, progress.queued_total) = (Vec::new(), 0);
    assert_about(&progress, 49);
}

#[test]
fn a_service_that_accepts_bursts_is_measured_by_whole_minutes() {
    // Fifteen in the first seconds of each minute.
    let accepted_at = |number: u64| number / 15 * 60 + number % 15;
    for running_s in [60, 70, 90, 119, 120, 179] {
        let accepted = (0..).take_while(|number| accepted_at(*number) <= running_s);
        let count = accepted.count() as u64;
        let submissions = (0..count).rev().map(|number| Submission {
            size: size(100),
            accepted: secs(running_s - accepted_at(number)),
            upload: secs(0),
            result: Some(secs(5)),
        });
        let progress = Progress {
            running: Some(secs(running_s)),
            submissions: submissions.collect(),
            pending: Vec::new(),
            ..running()
        };
        assert_about(&progress, accepted_at(count + 89) - running_s + 5);
    }
}

#[test]
fn idle_minutes_before_new_recordings_do_not_count() {
    let mut progress = running();
    let earlier = progress.submissions.iter().map(|one| Submission {
        accepted: one.accepted + secs(1000),
        ..*one
    });
    progress.submissions = progress
        .submissions
        .iter()
        .copied()
        .chain(earlier)
        .collect();
    progress.running = Some(secs(3600));
    assert_about(&progress, 180 + 20);
    progress.sending = vec![InFlight {
        size: size(100),
        since: secs(1),
    }];
    progress.submissions.retain(|one| one.accepted > secs(900));
    assert_eq!(left(&progress), None);
}

#[test]
fn a_run_without_acceptances_has_no_forecast() {
    let mut progress = running();
    progress.submissions.clear();
    assert_eq!(left(&progress), None);
    let started = Progress {
        running: Some(secs(4)),
        ..running()
    };
    assert_eq!(left(&started), None);
}

#[test]
fn without_a_result_one_takes_as_long_as_the_run_has_waited() {
    let mut progress = running();
    progress
        .submissions
        .iter_mut()
        .for_each(|one| one.result = None);
    assert_about(&progress, 180 + 60);
}

#[test]
fn results_of_earlier_runs_count_until_this_run_has_some() {
    let mut progress = running();
    progress.running = Some(secs(10));
    // Five acceptances in nine seconds.
    assert_about(&progress, 162 + 20);
}

#[test]
fn without_a_run_the_limits_and_earlier_results_tell_the_time() {
    let stopped = Progress {
        running: None,
        pending: Vec::new(),
        ..running()
    };
    assert_about(&stopped, 90 + 20);
    let first = Progress {
        submissions: Vec::new(),
        ..stopped
    };
    assert_eq!(left(&first), None);
}

#[test]
fn submissions_wait_for_the_active_hours() {
    let hours: HoursRange = "22:00-22:01".parse().unwrap();
    let window = SubmitWindow {
        hours: vec![hours],
        ..SubmitWindow::always()
    };
    // 2026-11-01T22:00:30Z.
    let now = Timestamp::from_millis(1_793_570_430_000);
    let left = time_left(&running()).unwrap().within(now, &window).unwrap();
    // 30 s today, 60 s on each of the next two evenings, and 30 s on the third.
    let days = left.as_secs_f64() / 86_400.0;
    assert!((2.9..3.1).contains(&days), "{days}");
}
