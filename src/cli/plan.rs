//! `nightscribe plan` and `run --dry-run`

use super::display::log::LogDisplay;
use super::exit::{CommandError, Exit};
use super::forecast_text::Estimate;
use super::hold_text::hold_text;
use super::json::to_json_line;
use super::logging::warn_without_sources;
use super::terminal::{
    WARN, escape_control_chars, format_hours, format_money, format_table, format_time, new_table,
    pluralize,
};
use crate::app::plan::{Plan, PlanLimits, plan as load_plan};
use crate::app::session::Session;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::io::Write;

pub(super) async fn plan(
    session: &Session,
    as_json: bool,
    limits: &PlanLimits,
) -> Result<Exit, CommandError> {
    warn_without_sources(&session.config);
    let plan = load_plan(session, limits, &LogDisplay).await?;
    let mut out = anstream::stdout().lock();
    if as_json {
        writeln!(out, "{}", to_json_line(&plan)?)?;
    } else {
        let (now, zone) = (session.now(), SystemClock.zone());
        write!(out, "{}", text(&plan, &session.config, now, &zone))?;
    }
    // The log names the sources that could not be scanned.
    Ok(match plan.problems.is_empty() {
        true => Exit::Done,
        false => Exit::SomeFailed,
    })
}

fn text(plan: &Plan, config: &Config, now: Timestamp, zone: &TimeZone) -> String {
    let currency = plan.currency.as_deref();
    let mut rows = new_table(&["SOURCE", "MODEL", "FILES", "AUDIO", "COST"]);
    let row = |source: &str, model: &str, files: u64, audio_s, cost| {
        let (audio, cost) = (format_hours(audio_s), format_money(cost, currency));
        [
            source.to_owned(),
            model.to_owned(),
            files.to_string(),
            audio,
            cost,
        ]
    };
    rows.add_rows(plan.groups.iter().map(|group| {
        row(
            &group.source,
            &group.model,
            group.files,
            group.audio_s,
            group.cost,
        )
    }));
    rows.add_row(row("total", "", plan.files, plan.audio_s, plan.cost));
    let mut text = format_table(&rows);
    text.push('\n');
    if plan.unknown_length > 0 {
        let files = pluralize(plan.unknown_length, "file", "files");
        text.push_str(&format!(
            "Not in the totals: {files} of unknown duration, at most {} by size.\n",
            format_hours(plan.unknown_length_at_most_s)
        ));
        if !config.budget.is_empty() {
            text.push_str("The budget is charged for that until the service bills them.\n");
        }
    }
    if plan.estimated_length > 0 {
        let files = pluralize(plan.estimated_length, "file", "files");
        text.push_str(&format!("The duration of {files} is an estimate.\n"));
    }
    if plan.unchecked_length > 0 {
        let files = pluralize(plan.unchecked_length, "file", "files");
        text.push_str(&format!(
            "min_duration and max_duration do not apply to {files} of unknown duration. `unknown_length = \"hold\"` excludes them.\n"
        ));
    }
    if let Some(from) = plan.later_from {
        let files = pluralize(plan.later, "file", "files");
        let from = format_time(from, now, zone);
        text.push_str(&format!("{files} wait for the budget until {from}.\n"));
    }
    if plan.transcribed > 0 {
        let files = pluralize(plan.transcribed, "file", "files");
        text.push_str(&format!(
            "{WARN}{files} with a transcript{WARN:#} that the queue does not know. A run takes it over for nothing, or holds the file.\n"
        ));
    }
    for model in &plan.unpriced {
        text.push_str(&match plan.unpriced_reasons.get(model) {
            Some(reason) => format!(
                "The price of {model} is unknown ({reason}): set it under [prices].\n"
            ),
            None => format!(
                "The price of {model} is unknown: run `nightscribe prices --refresh`, or set it under [prices].\n"
            ),
        });
    }
    for (why, files) in &plan.skipped {
        let files = pluralize(*files, "file", "files");
        text.push_str(&format!("{WARN}{files} excluded{WARN:#}: {why}\n"));
    }
    for (source, left_out) in &plan.left_out {
        let left_out = escape_control_chars(&left_out.to_string());
        text.push_str(&format!("Passed over in {source}: {left_out}.\n"));
    }
    if let Some(settles_at) = plan.settles_at {
        let files = pluralize(plan.unsettled, "file", "files");
        let from = format_time(settles_at, now, zone);
        text.push_str(&format!(
            "{files} changed a moment ago, or still open: from {from} on.\n"
        ));
    }
    for hold in &plan.holds {
        text.push_str(&hold_text(hold, now, zone));
    }
    let is_held = plan.holds.iter().any(|hold| hold.source.is_none());
    text.push_str(&match plan.submitted_by {
        _ if plan.files == 0 => "Nothing would be submitted.\n".to_owned(),
        _ if is_held => "Nothing is submitted before that.\n".to_owned(),
        Some(time) => format!(
            "The last file is submitted at {} at the earliest, limited by {}.\n",
            format_time(time, now, zone),
            bounded_by(config)
        ),
        None => "Not all files can be submitted in the available time.\n".to_owned(),
    });
    let estimate = Estimate {
        left_s: plan.left_s,
        when_run_s: plan.when_run_s,
        opens_at: plan.opens_at,
    };
    if let Some(estimate) = estimate.text(now, zone) {
        text.push_str(&format!("By the last submissions, {estimate}.\n"));
    }
    text
}

/// Lists the limits that determine the forecast.
fn bounded_by(config: &Config) -> String {
    let mut bounds = vec![format!(
        "{} submissions per minute",
        config.limits.submits_per_minute
    )];
    if !config.schedule.active_hours.is_empty() {
        bounds.push("the active hours".to_owned());
    }
    bounds.extend(config.budget.iter().map(ToString::to_string));
    bounds.join(", ")
}
