//! Messages for people: subject and text.

use crate::domain::control_chars::escape_control_chars;
use crate::domain::local_time::{format_time, format_with_offset};
use crate::notify::notification::{FailedRecording, Notification, NotificationKind};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Returns the subject, a one-line summary.
#[must_use]
pub fn subject(message: &Notification) -> String {
    let holds: Vec<_> = message.holds.iter().map(|hold| hold.kind).collect();
    let held = (!holds.is_empty()).then(|| format!("held ({})", holds.join(", ")));
    let problems = message.problems.iter().map(|problem| {
        // Names of JSON as words.
        problem.kind.replace('_', " ")
    });
    let reasons = held.into_iter().chain(problems).collect::<Vec<_>>();
    let sender = format!("nightscribe on {}", message.host);
    match message.kind {
        NotificationKind::Test => format!("{sender}: test message"),
        NotificationKind::Attention => {
            format!("{sender} needs attention: {}", reasons.join(", "))
        }
        NotificationKind::Summary => {
            let counts = [
                format!("{} done", message.done),
                format!("{} failed", message.failed),
            ];
            let parts: Vec<_> = counts.into_iter().chain(reasons).collect();
            format!("{sender}: {}", parts.join(", "))
        }
    }
}

/// Returns the full text, with times of day in the time zone `zone`. Every line ends with a line feed.
#[must_use]
pub fn body(message: &Notification, zone: &TimeZone) -> String {
    if message.kind == NotificationKind::Test {
        return "This message tests the notifications of nightscribe. They arrive.\n".to_owned();
    }
    let mut text = String::new();
    for hold in &message.holds {
        let effect = match hold.source {
            None => "No submissions",
            Some(_) => "Held",
        };
        paragraph(
            &mut text,
            &format!(
                "{effect} since {}: {}.\n{}",
                format_time(hold.since, message.at, zone),
                escape_control_chars(&hold.message),
                hold.advice
            ),
        );
    }
    for problem in &message.problems {
        let problem = format!(
            "{}.\n{}",
            capitalized(&escape_control_chars(&problem.message)),
            problem.advice
        );
        paragraph(&mut text, &problem);
    }
    if let Some(advice) = message.awaited.advice(message.at, zone) {
        paragraph(&mut text, &format!("{advice}."));
    }
    paragraph(&mut text, &counts(message));
    if !message.failures.is_empty() {
        paragraph(&mut text, &failures(message));
        paragraph(&mut text, &advice(&message.failures));
    }
    let run = &message.run;
    let [since, until] = [run.since, run.until].map(|time| format_with_offset(time, zone));
    paragraph(&mut text, &format!("{since} to {until}, run {}", run.id));
    text
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn paragraph(text: &mut String, lines: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(lines.trim_end());
    text.push('\n');
}

fn counts(message: &Notification) -> String {
    let cost = message.cost.as_ref().map_or_else(String::new, |cost| {
        format!(", {:.2} {}", cost.amount, cost.currency)
    });
    let audio = message
        .audio_s
        .filter(|_| message.done > 0)
        .map_or_else(String::new, |seconds| {
            format!(" ({} of audio{cost})", hours(seconds))
        });
    let so_far = match message.kind {
        NotificationKind::Summary | NotificationKind::Test => "",
        NotificationKind::Attention => "So far in this run: ",
    };
    let warned = match message.warned {
        0 => String::new(),
        warned => format!(" {warned} with warnings; `nightscribe list` shows them."),
    };
    format!(
        "{so_far}{} done{audio}, {} failed.{warned}",
        message.done, message.failed
    )
}

fn failures(message: &Notification) -> String {
    let mut lines = "Failed:\n".to_owned();
    for failed in &message.failures {
        // Writing to a `String` cannot fail.
        let _written = writeln!(
            lines,
            "{:>7}  {}\n         {}: {}",
            failed.id,
            escape_control_chars(&failed.path),
            failed.class,
            escape_control_chars(&failed.message)
        );
    }
    let named = message.failures.len() as u64;
    if message.failed > named {
        let more = message.failed - named;
        let _written = writeln!(
            lines,
            "and {more} more; `nightscribe list --failed` shows all."
        );
    }
    lines
}

/// Returns the advice for each error class.
fn advice(failures: &[FailedRecording]) -> String {
    let classes: BTreeMap<_, _> = failures
        .iter()
        .map(|failed| (failed.class, failed.advice))
        .collect();
    let lines = classes
        .iter()
        .map(|(class, advice)| format!("{class}: {advice}\n"));
    format!("What to do:\n{}", lines.collect::<String>())
}

/// Formats a duration as hours and minutes, or below one hour as minutes and seconds.
fn hours(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{hours} h {minutes} min")
    } else {
        format!("{minutes} min {} s", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::notification::samples::*;

    fn mail(message: &Notification) -> String {
        let body = body(message, &TimeZone::UTC);
        format!("Subject: {}\n\n{body}", subject(message))
    }

    #[test]
    fn a_summary_without_failures() {
        insta::assert_snapshot!(mail(&summary(41, 0, &[])));
    }

    #[test]
    fn a_summary_with_failures_and_a_hold() {
        insta::assert_snapshot!(mail(&summary(1, 3, &[hold()])));
    }

    #[test]
    fn failures_beyond_the_maximum_are_counted() {
        let text = body(&summary(0, 23, &[]), &TimeZone::UTC);
        assert_eq!(text.matches("reason").count(), 20);
        assert!(text.contains("\nand 3 more; "), "{text}");
    }

    #[test]
    fn a_test_message_says_so() {
        let message = Notification::test(origin());
        assert_eq!(subject(&message), "nightscribe on studio: test message");
        assert!(body(&message, &TimeZone::UTC).contains("tests the notifications"));
        assert!(message.json().contains(r#""kind":"test""#));
    }

    #[test]
    fn a_summary_of_a_stopped_run() {
        insta::assert_snapshot!(mail(&stopped()));
    }

    #[test]
    fn an_attention_message_about_a_problem() {
        let reason = (&unreachable()).into();
        let message = Notification::attention(origin(), span(), [3, 1], reason);
        insta::assert_snapshot!(mail(&message));
    }

    #[test]
    fn an_attention_message() {
        insta::assert_snapshot!(mail(&attention()));
    }

    #[test]
    fn control_characters_are_escaped() {
        assert!(!body(&summary(0, 1, &[]), &TimeZone::UTC).contains('\u{1b}'));
    }
}
