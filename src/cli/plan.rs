//! `nightscribe plan` and `run --dry-run`

use super::exit::{Exit, Report};
use super::item::json;
use super::scan::look_through;
use super::session::Session;
use super::terminal::{WARN, clock, count, hours, lines, money, table};
use crate::config::Config;
use crate::domain::{Failure, Prices, RecordingId, Timestamp};
use crate::pipeline::account::prices;
use crate::pipeline::measure::measure_all;
use crate::policy::forecast::{Load, submitted_by};
use crate::policy::hours::Window;
use crate::store::lengths::Planned;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

/// What a run is told beside its configuration.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scope {
    /// So many recordings at most.
    pub(super) limit: Option<u64>,
    /// Nothing is submitted from then on.
    pub(super) until: Option<Timestamp>,
}

/// What would be submitted, for programs; fields are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Plan {
    groups: Vec<Group>,
    files: u64,
    audio_s: f64,
    /// `null` where a price is not known.
    cost: Option<f64>,
    currency: Option<String>,
    /// Those among the files whose length is not known; nothing of them is in the sums.
    unknown_length: u64,
    /// Models without a price.
    unpriced: BTreeSet<String>,
    skipped: BTreeMap<String, u64>,
    /// When the last leaves, at the earliest; `null` if never.
    submitted_by: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Group {
    source: String,
    model: String,
    files: u64,
    audio_s: f64,
    cost: Option<f64>,
}

pub(super) async fn plan(session: &Session, as_json: bool, scope: &Scope) -> Result<Exit, Report> {
    let store = session.store().await?;
    look_through(session, &store).await?;
    let refused = measure_all(&store).await?;
    let prices = prices(&session.config, &store).await?;
    let planned = store.planned().await?;
    store.close().await;
    let config = &session.config;
    let mut plan = planned_of(&planned, &refused, config, &prices, scope.limit);
    let window = session.window(scope.until);
    plan.submitted_by = forecast(&plan, config, session.now(), &window);
    let mut out = anstream::stdout().lock();
    if as_json {
        writeln!(out, "{}", json(&plan)?)?;
    } else {
        write!(out, "{}", text(&plan, config, session.now(), &window.zone))?;
    }
    Ok(Exit::Done)
}

/// Sums up what is queued; leaves out what would not be submitted.
fn planned_of(
    queued: &[Planned],
    refused: &HashMap<RecordingId, Failure>,
    config: &Config,
    prices: &Prices,
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
        if let Some(why) = left_out(one, refused, config) {
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
        .map(|((source, model), (files, audio_s))| Group {
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

/// Why it would not be submitted.
fn left_out(
    one: &Planned,
    refused: &HashMap<RecordingId, Failure>,
    config: &Config,
) -> Option<String> {
    if let Some(failure) = refused.get(&one.recording) {
        return Some(format!("{}: {}", failure.class, failure.message));
    }
    let Some(source) = config.source(&one.source) else {
        return Some(format!(
            "its source `{}` is not configured any more",
            one.source
        ));
    };
    let why = source.bounds.leave_out(one.size_bytes, one.duration_s);
    why.map(str::to_owned)
}

fn forecast(plan: &Plan, config: &Config, now: Timestamp, window: &Window) -> Option<Timestamp> {
    let load = Load {
        recordings: plan.files,
        audio_s: plan.audio_s,
        cost: plan.cost,
    };
    let rate = config.limits.submits_per_minute.get();
    submitted_by(&load, now, rate, window, &config.budget)
}

fn text(plan: &Plan, config: &Config, now: Timestamp, zone: &TimeZone) -> String {
    let currency = plan.currency.as_deref();
    let mut rows = table(&["SOURCE", "MODEL", "FILES", "AUDIO", "COST"]);
    let row = |source: &str, model: &str, files: u64, audio_s, cost| {
        let (audio, cost) = (hours(audio_s), money(cost, currency));
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
    rows.add_row(row("in all", "", plan.files, plan.audio_s, plan.cost));
    let mut text = lines(&rows);
    text.push('\n');
    if plan.unknown_length > 0 {
        let files = count(plan.unknown_length, "file has", "files have");
        text.push_str(&format!(
            "{files} no length that can be told beforehand, and are not in the sums.\n"
        ));
    }
    for model in &plan.unpriced {
        text.push_str(&format!(
            "No price is known for {model}: `nightscribe prices --refresh`, or [prices] in the configuration.\n"
        ));
    }
    for (why, files) in &plan.skipped {
        let files = count(*files, "file is", "files are");
        text.push_str(&format!("{WARN}{files} left out{WARN:#}: {why}\n"));
    }
    text.push_str(&match plan.submitted_by {
        _ if plan.files == 0 => "Nothing would be submitted.\n".to_owned(),
        Some(time) => format!(
            "The last is submitted at {} at the earliest: {}.\n",
            clock(time, now, zone),
            bounded_by(config)
        ),
        None => "Within the time that is given, not all of it can be submitted.\n".to_owned(),
    });
    text
}

/// What the forecast keeps to.
fn bounded_by(config: &Config) -> String {
    let mut bounds = vec![format!(
        "{} submissions a minute",
        config.limits.submits_per_minute
    )];
    if !config.schedule.active_hours.is_empty() {
        bounds.push("the active hours".to_owned());
    }
    bounds.extend(config.budget.iter().map(ToString::to_string));
    bounds.join(", ")
}
