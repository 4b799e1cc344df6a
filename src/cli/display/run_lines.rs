//! Text of the progress of a run, for any width of a terminal.

use crate::app::run_progress::RunProgress;
use crate::cli::fit::{shorten_middle, truncate_end};
use crate::cli::terminal::{format_duration, format_hours, format_money, printable_path};
use crate::domain::{JobState, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Maximum number of recordings at the service that are shown.
const MAX_PENDING: usize = 3;
/// Time before the first expiry from which it is shown. Results rarely take that long.
const EXPIRY_SHOWN: Duration = Duration::from_secs(30 * 60);
/// Least columns for the name of a recording, or for the beginning of its transcript.
const MIN_NAME: usize = 12;
/// Columns between a name and the beginning of a transcript.
pub(super) const GAP: usize = 2;

/// Counts of this run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RunCounts {
    pub(super) done: u64,
    pub(super) failed: u64,
    /// Seconds of audio of the results.
    pub(super) audio_s: f64,
    pub(super) elapsed: Duration,
}

/// Returns the share of the audio that is done, from 0 to 1.
pub(super) fn share(counts: &RunCounts, progress: &RunProgress) -> f64 {
    let all_s = counts.audio_s + progress.audio_left_s;
    match all_s > 0.0 {
        true => counts.audio_s / all_s,
        false => 0.0,
    }
}

/// Returns the text beside the bar: audio, time and cost.
pub(super) fn totals(counts: &RunCounts, progress: &RunProgress) -> String {
    let all_s = counts.audio_s + progress.audio_left_s;
    let mut parts = vec![format!(
        "audio {} of {}",
        format_hours(counts.audio_s),
        format_hours(all_s)
    )];
    let left = progress.left;
    parts.extend(left.map(|left| format!("about {} left", format_duration(left))));
    if progress.planned_cost > 0.0 {
        let currency = progress.currency.as_deref();
        parts.push(format!(
            "{} of {}",
            format_money(Some(progress.cost), None),
            format_money(Some(progress.planned_cost), currency)
        ));
    }
    parts.join(" · ")
}

/// Returns the counts by state, and the time until the first expiry.
pub(super) fn counts(
    run: &RunCounts,
    states: &BTreeMap<JobState, u64>,
    expires_in: Option<Duration>,
) -> String {
    let count = |state| states.get(&state).copied().unwrap_or(0);
    let mut parts = vec![format_duration(run.elapsed), format!("{} done", run.done)];
    if run.failed > 0 {
        parts.push(format!("{} failed", run.failed));
    }
    parts.push(format!("{} queued", count(JobState::Queued)));
    let sending = count(JobState::Submitting);
    if sending > 0 {
        parts.push(format!("{sending} sending"));
    }
    parts.push(format!("{} pending", count(JobState::Pending)));
    let soon = expires_in.filter(|time| *time < EXPIRY_SHOWN);
    parts.extend(soon.map(|time| format!("the first expires in {}", format_duration(time))));
    parts.join(" · ")
}

/// Returns a line for some recordings at the service, with their age and the usual time of a result.
pub(super) fn pending(progress: &RunProgress, now: Timestamp, width: usize) -> Vec<String> {
    let usual = progress.usual_result.map_or_else(String::new, |usual| {
        format!(" (usually {})", format_duration(usual))
    });
    let shown = progress.pending.iter().take(MAX_PENDING);
    let lines = shown.map(|one| {
        let age = format_duration(now.since(one.since));
        let left = format!("  transcribing for {age}{usual}  ");
        let name_width = width.saturating_sub(left.width()).max(MIN_NAME);
        let name = shorten_middle(&printable_path(&one.relative), name_width);
        truncate_end(&format!("{left}{name}"), width)
    });
    lines.collect()
}

/// Returns the last lines about a run: its audio, time and cost, where the transcripts are, and what to do about failures.
pub(super) fn ending(
    run: &RunCounts,
    progress: &RunProgress,
    failed: u64,
    transcripts: Option<&str>,
) -> Vec<String> {
    let mut total = format!(
        "{} of audio in {}",
        format_hours(run.audio_s),
        format_duration(run.elapsed)
    );
    if progress.cost > 0.0 {
        let cost = format_money(Some(progress.cost), progress.currency.as_deref());
        total.push_str(&format!(", {cost}"));
    }
    let mut lines = vec![total];
    lines.extend(transcripts.filter(|_| run.done > 0).map(str::to_owned));
    if failed > 0 {
        lines.push("`nightscribe list --failed` says what failed".to_owned());
        lines.push("`nightscribe retry --failed` queues it again".to_owned());
    }
    lines
}

/// Returns the name of a finished recording and the beginning of its transcript, which fit together.
pub(super) fn transcript(name: &str, sentence: Option<&str>, width: usize) -> (String, String) {
    let Some(sentence) = sentence else {
        return (shorten_middle(name, width), String::new());
    };
    let name = shorten_middle(name, width / 2);
    let left = width.saturating_sub(name.width() + GAP);
    let sentence = match left >= MIN_NAME {
        true => truncate_end(sentence, left),
        false => String::new(),
    };
    (name, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::live::InFlightItem;
    use crate::domain::JobId;

    const COUNTS: RunCounts = RunCounts {
        done: 12,
        failed: 0,
        audio_s: 3600.0,
        elapsed: Duration::from_secs(130),
    };

    fn progress() -> RunProgress {
        RunProgress {
            left: Some(Duration::from_secs(390)),
            audio_left_s: 10_800.0,
            cost: 0.255,
            planned_cost: 1.02,
            currency: Some("USD".to_owned()),
            pending: vec![InFlightItem {
                item: JobId(1),
                relative: "2024/season 3/a rather long name of an episode.mp3".into(),
                size_bytes: 1,
                duration_s: None,
                since: Timestamp::from_millis(0),
                expires_at: None,
            }],
            usual_result: Some(Duration::from_secs(40)),
        }
    }

    #[test]
    fn totals_have_audio_time_and_cost() {
        let shown = totals(&COUNTS, &progress());
        assert_eq!(
            shown,
            "audio 1h 00m of 4h 00m · about 6m 30s left · 0.26 of 1.02 USD"
        );
        assert_eq!(share(&COUNTS, &progress()), 0.25);
        let unknown = totals(&RunCounts::default(), &RunProgress::default());
        assert_eq!(unknown, "audio 0h 00m of 0h 00m");
        assert_eq!(share(&RunCounts::default(), &RunProgress::default()), 0.0);
    }

    #[test]
    fn counts_leave_out_what_is_not_there() {
        let states = [(JobState::Queued, 30), (JobState::Pending, 5)].into();
        let shown = counts(&COUNTS, &states, None);
        assert_eq!(shown, "2m 10s · 12 done · 30 queued · 5 pending");
        let failed = RunCounts {
            failed: 1,
            ..COUNTS
        };
        let shown = counts(&failed, &states, Some(Duration::from_secs(60)));
        assert!(shown.contains("1 failed") && shown.ends_with("the first expires in 1m 0s"));
    }

    #[test]
    fn pending_lines_fit() {
        let now = Timestamp::from_millis(65_000);
        for width in [40, 80, 200] {
            for line in pending(&progress(), now, width) {
                assert!(line.width() <= width, "{width}: {line}");
                assert!(
                    line.starts_with("  transcribing for 1m 5s (usually"),
                    "{line}"
                );
            }
        }
        let wide = pending(&progress(), now, 120);
        assert!(wide[0].ends_with("of an episode.mp3"), "{wide:?}");
    }

    #[test]
    fn the_end_says_where_the_transcripts_are_and_what_to_do() {
        let lines = ending(&COUNTS, &progress(), 2, Some("transcripts: /out"));
        assert_eq!(lines[0], "1h 00m of audio in 2m 10s, 0.26 USD");
        assert_eq!(lines[1], "transcripts: /out");
        assert!(lines[3].contains("retry --failed"), "{lines:?}");
        assert!(lines.iter().all(|line| line.width() <= 80), "{lines:?}");
        let nothing = ending(&RunCounts::default(), &RunProgress::default(), 0, Some("x"));
        assert_eq!(nothing, ["0h 00m of audio in 0s"]);
    }

    #[test]
    fn a_name_and_its_sentence_fit() {
        let shown = |name: &str, width| {
            let (name, sentence) = transcript(name, Some("Good evening and welcome."), width);
            format!("{name}|{sentence}")
        };
        assert_eq!(shown("a.mp3", 80), "a.mp3|Good evening and welcome.");
        assert_eq!(shown("a.mp3", 20), "a.mp3|Good evening…");
        assert_eq!(shown("a.mp3", 16), "a.mp3|");
        let long = "2024/season 3/a rather long name of an episode.mp3";
        assert_eq!(
            shown(long, 60),
            "2024/seas…me of an episode.mp3|Good evening and welcome."
        );
        let without = transcript(long, None, 30).0;
        assert_eq!(without, "2024/seas…me of an episode.mp3");
    }
}
