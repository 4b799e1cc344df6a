//! Plan: what a run would submit, what it would cost, and when it would end.

use super::error::AppError;
use super::scan::scan_sources;
use super::session::Session;
use crate::config::Config;
use crate::domain::price::{total, total_cost};
use crate::domain::{Failure, PriceTable, RecordingId, Timestamp};
use crate::pipeline::budget::prices;
use crate::pipeline::event::Observer;
use crate::pipeline::probe_durations::probe_all;
use crate::policy::forecast::{Workload, submitted_by};
use crate::policy::hours::SubmitWindow;
use crate::provider::aimlapi::models::{length_refusal, shown_name};
use crate::source::folder::left_out::LeftOut;
use crate::store::sqlite::durations::PlannedRecording;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Limits of a run, in addition to the configured ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanLimits {
    /// Maximum number of recordings.
    pub limit: Option<u64>,
    /// Time at which submissions stop.
    pub until: Option<Timestamp>,
}

/// Plan of a run. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Files by source and model.
    pub groups: Vec<PlanGroup>,
    /// Number of files.
    pub files: u64,
    /// Seconds of audio, without files of unknown duration.
    pub audio_s: f64,
    /// Cost, without files of unknown duration. `None` if a price is unknown.
    pub cost: Option<f64>,
    /// Currency of the cost. `None` if prices have several or are unknown.
    pub currency: Option<String>,
    /// Number of files of unknown duration. The totals of audio and cost do not include them.
    pub unknown_length: u64,
    /// Models whose price is unknown.
    pub unpriced: BTreeSet<String>,
    /// Why the service has no price for such a model, if that is known.
    pub unpriced_reasons: BTreeMap<String, String>,
    /// Number of excluded files, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Number of files that changed a moment ago or are open for writing. They are not counted elsewhere.
    pub unsettled: u64,
    /// Time from which the first of them is taken, unless it changes again.
    pub settles_at: Option<Timestamp>,
    /// Files that the scan passed over, by source.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Earliest time of the last submission. `None` if not everything can be submitted.
    pub submitted_by: Option<Timestamp>,
}

/// Files of one source with the same model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanGroup {
    /// Name of the source.
    pub source: String,
    /// Model.
    pub model: String,
    /// Number of files.
    pub files: u64,
    /// Seconds of audio, without files of unknown duration.
    pub audio_s: f64,
    /// Cost. `None` if the price is unknown.
    pub cost: Option<f64>,
}

/// Scans all sources, reads missing durations, and returns what a run would submit.
///
/// New recordings are queued, as by a scan. The events of the scan go to `observer`.
///
/// # Errors
/// If there is no configuration file, or the database fails.
pub async fn plan(
    session: &Session,
    limits: &PlanLimits,
    observer: &dyn Observer,
) -> Result<Plan, AppError> {
    let store = session.store().await?;
    let totals = scan_sources(session, &store, observer).await?;
    let refused = probe_all(&store).await?;
    let prices = prices(&session.config, &store).await?;
    let planned = store.planned_recordings().await?;
    store.close().await;
    let config = &session.config;
    let mut plan = build_plan(&planned, &refused, config, &prices, limits.limit);
    plan.unsettled = totals.summary.unsettled;
    plan.settles_at = totals.summary.settles_at;
    plan.left_out = totals.left_out;
    plan.submitted_by = forecast(&plan, config, session.now(), &session.window(limits.until));
    Ok(plan)
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
        unpriced_reasons: BTreeMap::new(),
        skipped: BTreeMap::new(),
        unsettled: 0,
        settles_at: None,
        left_out: BTreeMap::new(),
        submitted_by: None,
    };
    let mut groups: BTreeMap<(&str, String), (u64, f64)> = BTreeMap::new();
    for one in queued {
        if let Some(why) = exclusion(one, refused, config) {
            *plan.skipped.entry(why).or_default() += 1;
        } else if limit.is_none_or(|most| plan.files < most) {
            plan.files += 1;
            plan.unknown_length += u64::from(one.duration_s.is_none());
            let group = (one.source.as_str(), shown_name(&one.model));
            let (files, audio_s) = groups.entry(group).or_default();
            *files += 1;
            *audio_s += one.duration_s.unwrap_or(0.0);
        }
    }
    let groups = groups.into_iter();
    plan.groups = groups
        .map(|((source, model), (files, audio_s))| PlanGroup {
            source: source.to_owned(),
            cost: prices.cost(&model, audio_s),
            model,
            files,
            audio_s,
        })
        .collect();
    plan.audio_s = total(plan.groups.iter().map(|group| group.audio_s));
    plan.cost = total_cost(plan.groups.iter().map(|group| group.cost));
    let unpriced = plan.groups.iter().filter(|group| group.cost.is_none());
    plan.unpriced = unpriced.map(|group| group.model.clone()).collect();
    let reason = |model: &String| {
        let reason = prices.unpriced_reason(model)?;
        Some((model.clone(), reason.to_owned()))
    };
    plan.unpriced_reasons = plan.unpriced.iter().filter_map(reason).collect();
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
    let too_long = || length_refusal(&one.model, one.duration_s?);
    why.map(str::to_owned).or_else(too_long)
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
