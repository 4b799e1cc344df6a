//! `nightscribe show`

use super::args::ShowArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::quality_text::quality_text;
use super::selectors::{no_item, selected};
use super::terminal::{
    escape_control_chars, format_seconds, format_table, new_table, print_error, printable_path,
};
use crate::app::items::{self, HookView, ItemDetails, ItemView, UnusableAnswerView};
use crate::app::session::Session;
use crate::app::wait_text::WaitText;
use crate::domain::local_time::{format_date_time, format_end};
use crate::domain::{Attempt, JobId, JobState};
use crate::runtime::clock::{Clock, SystemClock};
use comfy_table::ColumnConstraint;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::io::Write;

/// Fact about an item that was retried with `--as-is`.
const AS_IS: &str = "submitted although the file is truncated, until it changes";

pub(super) async fn show(session: &Session, args: &ShowArgs) -> Result<Exit, CommandError> {
    let wait_text = WaitText::local(session.now());
    let (items, mut is_incomplete) = selected(session, &args.items).await?;
    let mut shown = Vec::new();
    for item in items {
        let Some(details) = items::details_of(session, item).await? else {
            print_error(&no_item(&item));
            is_incomplete = true;
            continue;
        };
        let details = details.map_reason(|reason| wait_text.of(&reason));
        shown.push(match args.json {
            true => format!("{}\n", to_json_line(&details)?),
            false => text(&details, &SystemClock.zone()),
        });
    }
    let separator = if args.json { "" } else { "\n" };
    write!(anstream::stdout().lock(), "{}", shown.join(separator))?;
    Ok(if is_incomplete {
        Exit::Usage
    } else {
        Exit::Done
    })
}

fn text(details: &ItemDetails<String>, zone: &TimeZone) -> String {
    let hook = details.hook.as_ref();
    let hook = hook.map_or_else(String::new, |hook| fact("hook", &hook_result(hook, zone)));
    let answer = details.unusable_answer.as_ref();
    let answer = answer.map_or_else(String::new, |answer| {
        fact("answer", &stored_answer(answer, details.item.id, zone))
    });
    let (facts, history) = (facts(&details.item, zone), history(&details.history, zone));
    format!("{facts}{hook}{answer}{history}")
}

fn facts(item: &ItemView<String>, zone: &TimeZone) -> String {
    let clock = |time| format_date_time(time, zone);
    let mut facts = vec![
        ("item", item.id.to_string()),
        ("recording", printable_path(&item.path)),
        ("source", item.source.clone()),
        ("state", item.state.to_string()),
        ("model", item.model.clone()),
    ];
    let waits_for = item.waits_for.as_ref();
    facts.extend(waits_for.map(|why| ("waiting", escape_control_chars(why))));
    if !item.options.is_empty() {
        facts.push(("options", Value::Object(item.options.clone()).to_string()));
    }
    if let Some(error) = &item.error {
        facts.push((
            "error",
            format!("{}: {}", error.class, escape_control_chars(&error.message)),
        ));
        facts.push(("", error.class.advice().to_owned()));
    }
    let warnings = item.warnings.iter();
    facts.extend(warnings.map(|warning| ("warning", warning.to_string())));
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add(
        "duration",
        item.duration_s.map(|seconds| duration(seconds, item)),
    );
    add("as is", item.as_is.then(|| AS_IS.to_owned()));
    add(
        "size",
        (item.size_bytes > 0).then(|| format!("{} bytes", item.size_bytes)),
    );
    add("sha256", item.sha256.clone());
    add(
        "generation",
        item.generation_id
            .as_ref()
            .map(|id| escape_control_chars(id.as_str())),
    );
    let pending = item.state == JobState::Pending;
    add("expires", item.expires_at.filter(|_| pending).map(clock));
    add(
        "speech",
        item.silent
            .map(|silent| if silent { "none" } else { "yes" }.to_owned()),
    );
    add(
        "quality",
        item.quality
            .as_ref()
            .map(quality_text)
            .filter(|text| !text.is_empty()),
    );
    add(
        "paid by",
        item.paid_by
            .map(|job| format!("item {job}, which has the same content")),
    );
    add(
        "retry of",
        item.retry_of.map(|job| {
            let outcome = match item.set_aside {
                true => ", whose transcript is better and stays",
                false => "",
            };
            format!("item {job}{outcome}")
        }),
    );
    facts.push(("added", clock(item.created_at)));
    facts.push(("updated", clock(item.updated_at)));
    facts.extend(
        item.outputs
            .iter()
            .map(|path| ("transcript", printable_path(path))),
    );
    facts
        .iter()
        .map(|(name, value)| fact(name, value))
        .collect()
}

fn duration(seconds: f64, item: &ItemView<String>) -> String {
    let duration = format_seconds(seconds);
    match item.duration_is_estimate {
        true => format!("{duration}, estimated"),
        false => duration,
    }
}

fn fact(name: &str, value: &str) -> String {
    format!("{name:<11} {value}\n")
}

/// Describes the result of a hook.
fn hook_result(hook: &HookView, zone: &TimeZone) -> String {
    let ended = hook.ended_at.map(|ended| format_date_time(ended, zone));
    match (ended, &hook.error) {
        (None, _) => "waiting".to_owned(),
        (Some(ended), None) => format!("exit status 0 at {ended}"),
        (Some(ended), Some(error)) => format!("{} at {ended}", escape_control_chars(error)),
    }
}

/// Describes an answer that could not be used.
fn stored_answer(answer: &UnusableAnswerView, item: JobId, zone: &TimeZone) -> String {
    format!(
        "stored, {} bytes, received at {}; `nightscribe export --format json {item}` writes it to a file",
        answer.size_bytes,
        format_date_time(answer.received_at, zone)
    )
}

/// Columns of the attempts. The last one is left out if no attempt has a reason.
const HISTORY: [&str; 7] = [
    "ATTEMPT",
    "STARTED",
    "ENDED",
    "OUTCOME",
    "HTTP",
    "GENERATION",
    "REASON",
];

fn history(attempts: &[Attempt], zone: &TimeZone) -> String {
    if attempts.is_empty() {
        return String::new();
    }
    let has_reason = attempts.iter().any(|attempt| attempt.error.is_some());
    let columns = HISTORY.len() - usize::from(!has_reason);
    let mut rows = new_table(&HISTORY[..columns]);
    // Times stay on one line.
    for column in [1, 2] {
        if let Some(column) = rows.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    rows.add_rows((1..).zip(attempts).map(|(number, attempt)| {
        let cells = [
            number.to_string(),
            format_date_time(attempt.started_at, zone),
            attempt.ended_at.map_or_else(String::new, |ended| {
                format_end(ended, attempt.started_at, zone)
            }),
            attempt.outcome.clone(),
            attempt
                .http_status
                .map_or_else(String::new, |status| status.to_string()),
            attempt
                .generation_id
                .as_ref()
                .map_or_else(String::new, |id| escape_control_chars(id.as_str())),
            attempt.error.as_ref().map_or_else(String::new, |error| {
                escape_control_chars(&error.to_string())
            }),
        ];
        cells.into_iter().take(columns)
    }));
    format!("\n{}", format_table(&rows))
}
