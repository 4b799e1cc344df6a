//! A message for reading: the subject and the text of an e-mail.

use super::message::{Failed, Kind, Message};
use crate::domain::obeyed::visible;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line that says the most.
#[must_use]
pub fn subject(message: &Message) -> String {
    let kinds: Vec<_> = message.holds.iter().map(|hold| hold.kind).collect();
    let held = kinds.join(", ");
    match message.kind {
        Kind::Attention => format!("nightscribe needs you: held ({held})"),
        Kind::Summary if held.is_empty() => {
            format!(
                "nightscribe: {} done, {} failed",
                message.done, message.failed
            )
        }
        Kind::Summary => format!(
            "nightscribe: {} done, {} failed, held ({held})",
            message.done, message.failed
        ),
    }
}

/// The whole message, in lines that end with a line feed.
#[must_use]
pub fn text(message: &Message) -> String {
    let mut text = String::new();
    for hold in &message.holds {
        paragraph(
            &mut text,
            &format!(
                "Nothing is submitted since {}: {}.\n{}",
                hold.since,
                visible(&hold.message),
                hold.advice
            ),
        );
    }
    paragraph(&mut text, &counts(message));
    if !message.failures.is_empty() {
        paragraph(&mut text, &failures(message));
        paragraph(&mut text, &advice(&message.failures));
    }
    let run = &message.run;
    paragraph(
        &mut text,
        &format!("{} to {}, run {}", run.since, run.until, run.id),
    );
    text
}

fn paragraph(text: &mut String, lines: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(lines.trim_end());
    text.push('\n');
}

fn counts(message: &Message) -> String {
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
        Kind::Summary => "",
        Kind::Attention => "So far in this run: ",
    };
    format!(
        "{so_far}{} done{audio}, {} failed.",
        message.done, message.failed
    )
}

fn failures(message: &Message) -> String {
    let mut lines = "Failed:\n".to_owned();
    for failed in &message.failures {
        // Writing into a text cannot fail.
        let _written = writeln!(
            lines,
            "{:>7}  {}\n         {}: {}",
            failed.id,
            visible(&failed.path),
            failed.class,
            visible(&failed.message)
        );
    }
    let named = message.failures.len() as u64;
    if message.failed > named {
        let more = message.failed - named;
        let _written = writeln!(
            lines,
            "and {more} more; `nightscribe list --state failed` shows all."
        );
    }
    lines
}

/// What to do, once for each class.
fn advice(failures: &[Failed]) -> String {
    let classes: BTreeMap<_, _> = failures
        .iter()
        .map(|failed| (failed.class, failed.advice))
        .collect();
    let lines = classes
        .iter()
        .map(|(class, advice)| format!("{class}: {advice}\n"));
    format!("What to do:\n{}", lines.collect::<String>())
}

/// Hours and minutes, or minutes and seconds below an hour.
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
    use super::super::message::samples::*;
    use super::*;

    fn mail(message: &Message) -> String {
        format!("Subject: {}\n\n{}", subject(message), text(message))
    }

    #[test]
    fn a_good_night_to_read() {
        insta::assert_snapshot!(mail(&summary(41, 0, &[])));
    }

    #[test]
    fn a_night_with_failures_and_a_hold_to_read() {
        insta::assert_snapshot!(mail(&summary(1, 3, &[hold()])));
    }

    #[test]
    fn many_failures_are_named_in_part_and_counted() {
        let text = text(&summary(0, 23, &[]));
        assert_eq!(text.matches("reason").count(), 20);
        assert!(text.contains("\nand 3 more; "), "{text}");
    }

    #[test]
    fn what_needs_a_person_to_read() {
        insta::assert_snapshot!(mail(&attention()));
    }

    #[test]
    fn names_give_no_orders_to_a_terminal() {
        assert!(!text(&summary(0, 1, &[])).contains('\u{1b}'));
    }
}
