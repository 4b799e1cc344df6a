//! Plan: what a run would submit, what it would cost, and when it would end.

use super::error::AppError;
use super::plan_budget::{Admitted, PlannedBudget};
use super::progress::{Forecast, forecast_of, load_planned_progress};
use super::scan::scan_sources;
use super::session::Session;
use super::status::{load_overview, opens_at};
use crate::config::Config;
use crate::domain::price::{total, total_cost};
use crate::domain::{Failure, Hold, HoldKind, JobId, PaidMark, Problem, RecordingId, Timestamp};
use crate::pipeline::archive::Archive;
use crate::pipeline::budget::{budget, caps, prices};
use crate::pipeline::event::Observer;
use crate::pipeline::lengths::Lengths;
use crate::pipeline::probe_durations::probe_all;
use crate::policy::budget::longest_s;
use crate::policy::forecast::submitted_by;
use crate::policy::hours::SubmitWindow;
use crate::provider::models::{length_refusal, shown_name};
use crate::runtime::clock::{Clock, SystemClock};
use crate::source::folder::left_out::LeftOut;
use crate::store::Store;
use crate::store::sqlite::durations::PlannedRecording;
use crate::store::sqlite::progress::MeasuredRecording;
use crate::store::sqlite::queue::Candidate;
use crate::store::sqlite::source_holds::QueuedFile;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Limits of a run, in addition to the configured ones.
#[derive(Debug, Clone, Default)]
pub struct PlanLimits {
    /// Maximum number of recordings.
    pub limit: Option<u64>,
    /// Time at which submissions stop.
    pub until: Option<Timestamp>,
    /// Names of the only sources that are submitted. All if empty.
    pub sources: Vec<String>,
}

/// Plan of a run. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Seconds that these files last at most, by their size. The budget is charged for them until they are billed.
    pub unknown_length_at_most_s: f64,
    /// Number of these files that are submitted although a limit of their source concerns the duration.
    pub unchecked_length: u64,
    /// Number of files whose duration is an estimate. The totals include it.
    pub estimated_length: u64,
    /// Number of files that the budget admits only on a later day or in a later month. They are part of the totals.
    pub later: u64,
    /// Time from which the first of them is submitted.
    pub later_from: Option<Timestamp>,
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
    /// Number of files with a transcript that the queue does not know. A run takes it over, or holds the file.
    pub transcribed: u64,
    /// Files that the scan passed over, by source.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Sources that could not be scanned completely, with the reason.
    pub problems: Vec<String>,
    /// Earliest time of the last submission. `None` if not everything can be submitted.
    pub submitted_by: Option<Timestamp>,
    /// Estimated seconds until the last result, as by `status`. `None` without an active run, while submissions are held, without
    /// work, and if some files wait for the budget.
    pub left_s: Option<u64>,
    /// Estimated seconds that a run would take from now on, or from `opens_at` on. `None` during an active run, while submissions
    /// are held, without work, before the first run, and if some files wait for the budget.
    pub when_run_s: Option<u64>,
    /// Time at which the active hours begin. `None` during the active hours.
    pub opens_at: Option<Timestamp>,
    /// Holds in force. The budget is planned, and its hold is not listed.
    pub holds: Vec<Hold>,
}

/// Files of one source with the same model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    let refused = probe_all(&store, &Lengths::new(&session.config)).await?;
    let prices = prices(&session.config, &store).await?;
    let mut planned = store.planned_recordings().await?;
    planned.retain(|one| limits.sources.is_empty() || limits.sources.contains(&one.source));
    let (config, now, zone) = (&session.config, session.now(), SystemClock.zone());
    let caps = caps(config, limits.limit);
    let budget = budget(caps, &store, &prices, now, zone).await?;
    let transcribed = count_transcribed(session, &store).await?;
    let budget = PlannedBudget::new(budget, &prices, now);
    let (mut plan, submitted) = build_plan(&planned, &refused, config, budget);
    let window = session.window(limits.until);
    plan.holds = session.holds(&store).await?;
    plan.holds.retain(|hold| hold.kind != HoldKind::Budget);
    if plan.later == 0 && plan.holds.is_empty() {
        let forecast = forecast(session, &store, &submitted, &window).await?;
        plan.left_s = forecast.left.map(|left| left.as_secs());
        plan.when_run_s = forecast.when_run.map(|left| left.as_secs());
    }
    store.close().await;
    plan.opens_at = opens_at(window.opening(now));
    plan.unsettled = totals.summary.unsettled;
    plan.settles_at = totals.summary.settles_at;
    plan.transcribed = transcribed;
    plan.left_out = totals.left_out;
    plan.problems = totals.problems.iter().map(Problem::message).collect();
    let last_charge = plan.submitted_by.unwrap_or(now);
    let rate = config.limits.submits_per_minute.get();
    plan.submitted_by = submitted_by(plan.files, now, rate, &window, last_charge);
    Ok(plan)
}

/// Forecasts the time in which these recordings are transcribed.
async fn forecast(
    session: &Session,
    store: &Store,
    submitted: &[MeasuredRecording],
    window: &SubmitWindow,
) -> Result<Forecast, AppError> {
    let now = session.now();
    let overview = load_overview(session, store, now).await?;
    let progress = load_planned_progress(session, store, &overview, submitted, now).await?;
    Ok(forecast_of(&progress, window, false, now))
}

/// Counts the queued files with a transcript that the queue does not know. They are not hashed, so that some of them may
/// have another content.
async fn count_transcribed(session: &Session, store: &Store) -> Result<u64, AppError> {
    let config = &session.config;
    let archive = Archive::load(config.output.clone(), &config.state, store).await?;
    let mut count = 0;
    if !archive.may_have_transcripts() {
        return Ok(count);
    }
    for source in &config.sources {
        let queued = store.queued_files(&source.name, JobId(0), usize::MAX);
        for QueuedFile { candidate, .. } in queued.await? {
            let Candidate { job, recording, .. } = candidate;
            if candidate.paid_mark == Some(PaidMark::Approved) {
                continue;
            }
            archive.search_folder_of(store, &recording).await?;
            let evidence = archive.evidence(&recording, &job.request, None).await;
            let exists = evidence == Some(PaidMark::Transcribed) || archive.may_contain(&recording);
            count += u64::from(exists);
        }
    }
    Ok(count)
}

/// Adds up the queued recordings in the order of their submission, excluding those that would not be submitted. Also returns
/// those that are submitted.
///
/// `submitted_by` is when the budget admits the last one.
fn build_plan(
    queued: &[PlannedRecording],
    refused: &HashMap<RecordingId, Failure>,
    config: &Config,
    mut budget: PlannedBudget<'_>,
) -> (Plan, Vec<MeasuredRecording>) {
    let prices = budget.prices;
    let mut plan = Plan {
        currency: prices.currency().map(str::to_owned),
        ..Plan::default()
    };
    let mut submitted = Vec::new();
    let mut groups: BTreeMap<(&str, String), (u64, f64)> = BTreeMap::new();
    for one in queued {
        if let Some(why) = exclusion(one, refused, config) {
            *plan.skipped.entry(why).or_default() += 1;
            continue;
        }
        match budget.admit(one) {
            Admitted::At(time) => plan.submitted_by = Some(time),
            Admitted::Later(time) => {
                plan.later += 1;
                plan.later_from.get_or_insert(time);
                plan.submitted_by = Some(time);
            }
            Admitted::Never(why) => {
                *plan.skipped.entry(why).or_default() += 1;
                continue;
            }
            Admitted::BeyondLimit => continue,
        }
        plan.files += 1;
        submitted.push(MeasuredRecording {
            size_bytes: one.size_bytes,
            duration_s: one.duration_s,
            since: None,
        });
        if one.duration_s.is_none() {
            let source = config.source(&one.source);
            let is_limited = source.is_some_and(|source| source.bounds.limit_length());
            plan.unknown_length += 1;
            plan.unknown_length_at_most_s += longest_s(one.size_bytes);
            plan.unchecked_length += u64::from(is_limited);
        }
        plan.estimated_length += u64::from(one.is_estimate);
        let group = (one.source.as_str(), shown_name(&one.model));
        let (files, audio_s) = groups.entry(group).or_default();
        *files += 1;
        *audio_s += one.duration_s.unwrap_or(0.0);
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
    (plan, submitted)
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
    let why = source.bounds.exclusion(one.size_bytes, one.duration_s);
    let too_long = || length_refusal(&one.model, one.duration_s?);
    why.map(|why| why.as_str().to_owned()).or_else(too_long)
}
