//! `nightscribe plan` and `run --dry-run`

use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::scan::scan_sources;
use crate::app::session::Session;
use super::terminal::{
    WARN, format_hours, format_money, format_table, format_time, new_table, pluralize,
};
use crate::config::Config;
use crate::domain::{Failure, PriceTable, RecordingId, Timestamp};
use crate::pipeline::budget::prices;
use crate::pipeline::probe_durations::probe_all;
use crate::policy::forecast::{Workload, submitted_by};
use crate::policy::hours::SubmitWindow;
use crate::store::sqlite::durations::PlannedRecording;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

/// Limits of a run, given on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlanLimits {
    /// Maximum number of recordings.
    pub(super) limit: Option<u64>,
    /// Time at which submissions stop.
    pub(super) until: Option<Timestamp>,
}

/// JSON form of the plan. Fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Plan {
    groups: Vec<PlanGroup>,
    files: u64,
    audio_s: f64,
    /// `null` if a price is unknown.
    cost: Option<f64>,
    currency: Option<String>,
    /// Number of files of unknown duration. The totals of audio and cost do not include them.
    unknown_length: u64,
    /// Models whose price is unknown.
    unpriced: BTreeSet<String>,
    /// Number of excluded files, by reason.
    skipped: BTreeMap<String, u64>,
    /// Earliest time of the last submission. `null` if not everything can be submitted.
    submitted_by: Option<Timestamp>,
}

/// Files of one source with the same model.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PlanGroup {
    source: String,
    model: String,
    files: u64,
    audio_s: f64,
    cost: Option<f64>,
}

pub(super) async fn plan(
    session: &Session,
    as_json: bool,
    scope: &PlanLimits,
) -> Result<Exit, CommandError> {
    let store = session.store().await?;
    scan_sources(session, &store).await?;
    let refused = probe_all(&store).await?;
    let prices = prices(&session.config, &store).await?;
    let planned = store.planned_recordings().await?;
    store.close().await;
    let config = &session.config;
    let mut plan = build_plan(&planned, &refused, config, &prices, scope.limit);
    let window = session.window(scope.until);
    plan.submitted_by = forecast(&plan, config, session.now(), &window);
    let mut out = anstream::stdout().lock();
    if as_json {
        writeln!(out, "{}", to_json_line(&plan)?)?;
    } else {
        write!(out, "{}", text(&plan, config, session.now(), &window.zone))?;
    }
    Ok(Exit::Done)
}

/// Adds up the queued recordings, excluding those that would not be submitted.
fn build_plan(
    queued: &[PlannedRecording],
    refused: &HashMap<RecordingId, Failure>,
    config: &Config,
    prices: &PriceTable,
    limit: Option<u64>,
) -> Plan {
    let mut plan = Plan {
        groups: Vec::new(),
        files: 0,
        audio_s: 0.0,
        cost: None,
        currency: prices.currency().map(str::to_owned),
        unknown_length: 0,
        unpriced: BTreeSet::new(),
        skipped: BTreeMap::new(),
        submitted_by: None,
    };
    let mut groups: BTreeMap<(&str, &str), (u64, f64)> = BTreeMap::new();
    for one in queued {
        if let Some(why) = exclusion(one, refused, config) {
            *plan.skipped.entry(why).or_default() += 1;
        } else if limit.is_none_or(|most| plan.files < most) {
            plan.files += 1;
            plan.unknown_length += u64::from(one.duration_s.is_none());
            let (files, audio_s) = groups.entry((&one.source, &one.model)).or_default();
            *files += 1;
            *audio_s += one.duration_s.unwrap_or(0.0);
        }
    }
    let groups = groups.into_iter();
    plan.groups = groups
        .map(|((source, model), (files, audio_s))| PlanGroup {
            source: source.to_owned(),
            model: model.to_owned(),
            files,
            audio_s,
            cost: prices.cost(model, audio_s),
        })
        .collect();
    plan.audio_s = plan.groups.iter().map(|group| group.audio_s).sum();
    plan.cost = plan.groups.iter().map(|group| group.cost).sum();
    let unpriced = plan.groups.iter().filter(|group| group.cost.is_none());
    plan.unpriced = unpriced.map(|group| group.model.clone()).collect();
    plan
}

/// Returns the reason a recording would not be submitted, if any.
fn exclusion(
    one: &PlannedRecording,
    refused: &HashMap<RecordingId, Failure>,
    config: &Config,
) -> Option<String> {
    if let Some(failure) = refused.get(&one.recording) {
        return Some(format!("{}: {}", failure.class, failure.message));
    }
    let Some(source) = config.source(&one.source) else {
        return Some(format!(
            "[[source]] `{}` is no longer configured",
            one.source
        ));
    };
    let why = source
        .bounds
        .exclusion_reason(one.size_bytes, one.duration_s);
    why.map(str::to_owned)
}

fn forecast(
    plan: &Plan,
    config: &Config,
    now: Timestamp,
    window: &SubmitWindow,
) -> Option<Timestamp> {
    let load = Workload {
        recordings: plan.files,
        audio_s: plan.audio_s,
        cost: plan.cost,
    };
    let rate = config.limits.submits_per_minute.get();
    submitted_by(&load, now, rate, window, &config.budget)
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
            "Not in the totals: {files} of unknown duration.\n"
        ));
    }
    for model in &plan.unpriced {
        text.push_str(&format!(
            "The price of {model} is unknown: run `nightscribe prices --refresh`, or set it under [prices].\n"
        ));
    }
    for (why, files) in &plan.skipped {
        let files = pluralize(*files, "file", "files");
        text.push_str(&format!("{WARN}{files} excluded{WARN:#}: {why}\n"));
    }
    text.push_str(&match plan.submitted_by {
        _ if plan.files == 0 => "Nothing would be submitted.\n".to_owned(),
        Some(time) => format!(
            "The last file is submitted at {} at the earliest, limited by {}.\n",
            format_time(time, now, zone),
            bounded_by(config)
        ),
        None => "Not all files can be submitted in the available time.\n".to_owned(),
    });
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
