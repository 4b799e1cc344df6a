//! *Tonight*: what runs, what waits and why, and the last day.

use super::clock::{Clock, length};
use super::error::PageError;
use super::frame::{Frame, page};
use super::list_query::notice;
use super::picture::{DayTotals, Picture, day, expiring, totals};
use crate::app::budget_use::{CapUse, budget_use};
use crate::app::duration_text::format_duration;
use crate::app::error::AppError;
use crate::app::live::wait_text::wait_text;
use crate::app::live::{FailedItem, InFlightItem, LiveSnapshot};
use crate::app::timeline::{Timeline, timeline};
use crate::domain::readable_path::readable_path;
use crate::domain::{Hold, HoldKind, JobState};
use crate::http::site::Site;
use crate::policy::budget::{Metric, Period};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;

/// Number of rows of each table. More are counted.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "tonight.html")]
struct Tonight {
    frame: Frame,
    time: String,
    runner: String,
    is_paused: bool,
    facts: Vec<(&'static str, String)>,
    counts: Vec<(JobState, u64)>,
    holds: Vec<HoldRow>,
    waiting: Vec<(String, String)>,
    in_flight: Vec<FlightRow>,
    more_in_flight: u64,
    failures: Vec<FailureRow>,
    more_failures: u64,
    budget: Vec<BudgetRow>,
    /// The last day. `None` while it is counted.
    day: Option<DayView>,
}

struct DayView {
    from: String,
    to: String,
    bars: Picture,
    totals: DayTotals,
    expiring: Picture,
    retention: String,
}

struct HoldRow {
    reason: &'static str,
    source: String,
    message: String,
    since: String,
    advice: &'static str,
    /// Text of the button that lifts it. Empty if only something else ends it.
    button: &'static str,
    /// Whether the button also approves payments.
    is_approval: bool,
}

struct FlightRow {
    id: i64,
    name: String,
    state: &'static str,
    since: String,
    length: String,
    expiry: String,
}

struct FailureRow {
    id: i64,
    name: String,
    at: String,
    message: String,
}

struct BudgetRow {
    cap: String,
    spent: String,
    limit: String,
    /// Part that is spent, from 0 to 100.
    percent: u64,
}

/// Shows the page.
pub(super) async fn tonight(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let failed = |error| PageError::failed(&site, &error);
    let snapshot = site.live.lock().await.load(&site.session).await;
    let snapshot = snapshot.map_err(failed)?;
    let failed = |error: Arc<AppError>| PageError::failed(&site, &error);
    let load_timeline = || {
        let site = site.clone();
        async move { timeline(&site.session).await }
    };
    let timeline = site.timeline.get(load_timeline).await.map_err(failed)?;
    let load_budget = || {
        let site = site.clone();
        async move { budget_use(&site.session).await }
    };
    let budget = site.budget.get(load_budget).await.map_err(failed)?;
    let budget = budget.unwrap_or_default();
    let notice = notice(query.as_deref().unwrap_or_default());
    let frame = Frame::new(&site, "tonight").with_notice(notice);
    Ok(page(
        StatusCode::OK,
        &content(frame, &snapshot, timeline.as_ref(), &budget),
    ))
}

fn content(
    frame: Frame,
    snapshot: &LiveSnapshot,
    timeline: Option<&Timeline>,
    budget: &[CapUse],
) -> Tonight {
    let clock = Clock::at(snapshot.now);
    let sending = snapshot
        .sending
        .iter()
        .map(|one| flight_row(&clock, "sending", one));
    let pending = snapshot
        .pending
        .iter()
        .map(|one| flight_row(&clock, "pending", one));
    let in_flight: Vec<_> = sending.chain(pending).take(ROWS).collect();
    let all_in_flight = snapshot.count(JobState::Submitting) + snapshot.count(JobState::Pending);
    let failures = snapshot.failures.iter().take(ROWS);
    let failures: Vec<_> = failures.map(|one| failure_row(&clock, one)).collect();
    Tonight {
        frame,
        time: clock.time(snapshot.now),
        runner: match snapshot.runner {
            Some(runner) => format!(
                "Running since {} (process {})",
                clock.time(runner.since),
                runner.pid
            ),
            None => "Not running".to_owned(),
        },
        is_paused: snapshot
            .holds
            .iter()
            .any(|hold| hold.kind == HoldKind::Operator),
        facts: facts(&clock, snapshot),
        counts: JobState::ALL
            .into_iter()
            .map(|state| (state, snapshot.count(state)))
            .collect(),
        holds: snapshot
            .holds
            .iter()
            .map(|hold| hold_row(&clock, hold))
            .collect(),
        waiting: snapshot
            .waiting
            .iter()
            .map(|wait| {
                let more = if wait.is_lower_bound { "+" } else { "" };
                let text = wait_text(wait, clock.now, &clock.zone);
                (format!("{}{more}", wait.count), text)
            })
            .collect(),
        more_in_flight: all_in_flight.saturating_sub(in_flight.len() as u64),
        in_flight,
        more_failures: snapshot
            .count(JobState::Failed)
            .saturating_sub(failures.len() as u64),
        failures,
        budget: budget.iter().map(budget_row).collect(),
        day: timeline.map(|timeline| day_view(&clock, timeline)),
    }
}

fn facts(clock: &Clock, snapshot: &LiveSnapshot) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let about = |seconds| format!("about {}", format_duration(Duration::from_secs(seconds)));
    facts.extend(snapshot.left_s.map(|left_s| ("Time left", about(left_s))));
    facts.extend(snapshot.when_run_s.map(|time_s| {
        let opens_at = snapshot.opens_at.map_or_else(String::new, |opens_at| {
            format!(", not before {}", clock.time(opens_at))
        });
        ("When it runs", about(time_s) + &opens_at)
    }));
    if let Some(throughput) = snapshot.throughput {
        let (files, audio) = (throughput.files_per_hour, throughput.audio_per_minute);
        facts.push((
            "Rate",
            format!("{files:.0} files per hour, {audio:.1} min of audio per minute"),
        ));
    }
    let expiry = snapshot.next_expiry;
    facts.extend(expiry.map(|expiry| ("Next expiry", clock.until_expiry(expiry))));
    if snapshot.perhaps_paid > 0 {
        let count = format!("{} submissions", snapshot.perhaps_paid);
        facts.push(("Perhaps billed without a transcript", count));
    }
    facts
}

fn hold_row(clock: &Clock, hold: &Hold) -> HoldRow {
    let is_approval = hold.kind == HoldKind::LooksPaid;
    HoldRow {
        reason: hold.kind.reason(),
        source: hold.source.clone().unwrap_or_default(),
        message: hold.message.clone(),
        since: clock.time(hold.since),
        advice: hold.kind.advice(),
        button: match hold.kind {
            HoldKind::LooksPaid => "Submit and pay anyway",
            kind if kind.ends_with_resume() => "Resume submissions",
            _ => "",
        },
        is_approval,
    }
}

fn flight_row(clock: &Clock, state: &'static str, one: &InFlightItem) -> FlightRow {
    FlightRow {
        id: one.item.0,
        name: readable_path(&one.relative),
        state,
        since: clock.since(one.since),
        length: length(one.duration_s),
        expiry: one
            .expires_at
            .map_or_else(String::new, |expiry| clock.until_expiry(expiry)),
    }
}

fn failure_row(clock: &Clock, one: &FailedItem) -> FailureRow {
    FailureRow {
        id: one.item.0,
        name: readable_path(&one.relative),
        at: clock.time(one.at),
        message: one.failure.to_string(),
    }
}

fn day_view(clock: &Clock, timeline: &Timeline) -> DayView {
    DayView {
        from: clock.time(timeline.from),
        to: clock.time(timeline.now),
        bars: day(timeline),
        totals: totals(timeline),
        expiring: expiring(timeline),
        retention: format_duration(timeline.retention),
    }
}

/// Returns the name of a cap.
fn cap_name(one: &CapUse) -> String {
    let measure = match one.cap.metric {
        Metric::Audio => "Hours of audio",
        Metric::Cost => "Cost",
        Metric::Recordings => "Recordings",
    };
    let period = match one.cap.period {
        Period::Run => "per run",
        Period::Day => "per day",
        Period::Month => "per month",
    };
    format!("{measure} {period}")
}

fn budget_row(one: &CapUse) -> BudgetRow {
    let currency = one.currency.as_deref().unwrap_or_default();
    let amount = |amount: f64| match one.cap.metric {
        Metric::Cost => format!("{amount:.2} {currency}").trim_end().to_owned(),
        Metric::Audio => format!("{:.1} h", amount / 3600.0),
        Metric::Recordings => format!("{amount:.0}"),
    };
    BudgetRow {
        cap: cap_name(one),
        spent: amount(one.spent),
        limit: amount(one.cap.limit),
        percent: (one.spent / one.cap.limit * 100.0).clamp(0.0, 100.0) as u64,
    }
}
