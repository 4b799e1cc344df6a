//! `nightscribe status`

use super::args::Status;
use super::exit::{Exit, Report};
use super::item::json;
use super::live;
use super::session::Session;
use super::terminal::{DIM, WARN, length, visible};
use crate::domain::{Hold, HoldKind, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::report::{Overview, Runner};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

/// What the rate is taken over.
const RATE_OVER: Duration = Duration::from_secs(3600);
/// Between two answers of `--watch --json`.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// The queue at a glance, for programs; fields are only ever added.
#[derive(Debug, Serialize)]
struct JsonStatus {
    counts: BTreeMap<&'static str, u64>,
    holds: Vec<JsonHold>,
    /// When the active hours begin; `null` in them.
    opens_at: Option<Timestamp>,
    next_expiry: Option<Timestamp>,
    next_due: Option<Timestamp>,
    runner: Option<JsonRunner>,
    /// Done in the last hour.
    rate_per_hour: u64,
    /// At that rate; `null` where there is none.
    left_s: Option<u64>,
    /// Submissions whose answer was lost or whose transcript was.
    perhaps_paid: u64,
}

#[derive(Debug, Serialize)]
struct JsonHold {
    kind: HoldKind,
    since: Timestamp,
    ends: Option<Timestamp>,
    message: String,
}

#[derive(Debug, Serialize)]
struct JsonRunner {
    pid: u32,
    since: Timestamp,
}

struct Glance {
    overview: Overview,
    holds: Vec<Hold>,
    /// Whether the hours let submissions leave.
    opening: Opening,
}

pub(super) async fn status(session: &Session, args: &Status) -> Result<Exit, Report> {
    if args.watch && !args.json {
        return live::watch(session).await;
    }
    loop {
        let glance = glance(session).await?;
        let shown = if args.json {
            format!("{}\n", json(&machine(&glance))?)
        } else {
            human(&glance, session.now())
        };
        let mut out = anstream::stdout().lock();
        write!(out, "{shown}")?;
        out.flush()?;
        drop(out);
        if !args.watch {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(WATCH_EVERY).await;
    }
}

async fn glance(session: &Session) -> Result<Glance, Report> {
    let opening = session.window(None).opening(session.now());
    let Some(store) = session.existing_store().await? else {
        let counts = JobState::ALL.into_iter().map(|state| (state, 0)).collect();
        let overview = Overview {
            counts,
            ..Overview::default()
        };
        return Ok(Glance {
            overview,
            holds: Vec::new(),
            opening,
        });
    };
    let mut overview = store.overview(session.now().before(RATE_OVER)).await?;
    // A run whose process died never recorded its end.
    overview.runner = overview
        .runner
        .filter(|_| Lock::is_held(&session.config.state.dir));
    let holds = session.holds(&store).await?;
    store.close().await;
    Ok(Glance {
        overview,
        holds,
        opening,
    })
}

/// Queued, being sent, or waiting at the service.
fn unfinished(overview: &Overview) -> u64 {
    [JobState::Queued, JobState::Submitting, JobState::Pending]
        .iter()
        .map(|state| overview.counts[state])
        .sum()
}

fn left(overview: &Overview) -> Option<Duration> {
    let (unfinished, done) = (unfinished(overview), overview.done_since);
    (unfinished > 0 && done > 0).then(|| RATE_OVER.mul_f64(unfinished as f64 / done as f64))
}

fn machine(glance: &Glance) -> JsonStatus {
    let overview = &glance.overview;
    JsonStatus {
        counts: overview
            .counts
            .iter()
            .map(|(state, count)| (state.as_str(), *count))
            .collect(),
        holds: glance.holds.iter().map(JsonHold::from).collect(),
        opens_at: match glance.opening {
            Opening::At(time) => Some(time),
            Opening::Now | Opening::Never => None,
        },
        next_expiry: overview.next_expiry,
        next_due: overview.next_due,
        runner: overview
            .runner
            .map(|Runner { pid, since }| JsonRunner { pid, since }),
        rate_per_hour: overview.done_since,
        left_s: left(overview).map(|left| left.as_secs()),
        perhaps_paid: overview.perhaps_paid,
    }
}

impl From<&Hold> for JsonHold {
    fn from(hold: &Hold) -> Self {
        Self {
            kind: hold.kind,
            since: hold.since,
            ends: hold.ends,
            message: hold.message.clone(),
        }
    }
}

fn human(glance: &Glance, now: Timestamp) -> String {
    let overview = &glance.overview;
    let mut text = String::new();
    for state in JobState::ALL {
        let remark = remark(state, overview, now);
        // Writing into a string cannot fail.
        let _infallible = writeln!(
            text,
            "{:<11}{:>8}{remark}",
            state.as_str(),
            overview.counts[&state]
        );
    }
    text.push('\n');
    for hold in &glance.holds {
        let (kind, since, message) = (hold.kind, hold.since, visible(&hold.message));
        text.push_str(&format!(
            "{WARN}held{WARN:#} ({kind}) since {since}: {message}\n     {}\n",
            kind.advice()
        ));
    }
    if glance.opening != Opening::Now {
        text.push_str(&format!("{}\n", glance.opening));
    }
    text.push_str(&match overview.runner {
        Some(Runner { pid, since }) => format!("running since {since} (process {pid})\n"),
        None => "not running\n".to_owned(),
    });
    if overview.done_since > 0 {
        let left = left(overview)
            .map_or_else(String::new, |left| format!(", about {} left", length(left)));
        text.push_str(&format!(
            "{} done in the last hour{left}\n",
            overview.done_since
        ));
    }
    if overview.perhaps_paid > 0 {
        let count = overview.perhaps_paid;
        text.push_str(&format!("{DIM}{count} submissions may have been paid without a transcript to show for it{DIM:#}\n"));
    }
    text
}

fn remark(state: JobState, overview: &Overview, now: Timestamp) -> String {
    match (state, overview.next_expiry, overview.next_due) {
        (JobState::Pending, Some(expiry), _) if expiry > now => {
            format!("  the first expires in {}", length(expiry.since(now)))
        }
        (JobState::Pending, Some(_), _) => {
            "  the first has expired, unless the service still has it".to_owned()
        }
        (JobState::Queued, _, Some(due)) if due > now => {
            format!("  the next goes in {}", length(due.since(now)))
        }
        (JobState::Failed, ..) if overview.counts[&state] > 0 => {
            "  why: `nightscribe list --state failed`".to_owned()
        }
        _ => String::new(),
    }
}
