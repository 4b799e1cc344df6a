//! `nightscribe status`

use super::args::StatusArgs;
use super::exit::{CommandError, Exit};
use super::item::to_json_line;
use super::live;
use super::session::Session;
use super::terminal::{DIM, WARN, escape_control_chars, format_duration};
use crate::domain::{Hold, HoldKind, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::sqlite::items::{ActiveRun, Overview};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

/// Period over which the completion rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(3600);
/// Interval between two snapshots of `--watch --json`.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// JSON form of the status. Fields may be added, but never removed or renamed.
#[derive(Debug, Serialize)]
struct JsonStatus {
    counts: BTreeMap<&'static str, u64>,
    holds: Vec<JsonHold>,
    /// Time at which the active hours begin. `null` during the active hours.
    opens_at: Option<Timestamp>,
    next_expiry: Option<Timestamp>,
    next_due: Option<Timestamp>,
    runner: Option<JsonRunner>,
    /// Number of items completed in the last hour.
    rate_per_hour: u64,
    /// Estimated seconds left at that rate. `null` if the rate is zero or no work is left.
    left_s: Option<u64>,
    /// Number of submissions that may have been billed without yielding a transcript.
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

/// Snapshot of the queue.
struct StatusSnapshot {
    overview: Overview,
    holds: Vec<Hold>,
    /// Whether the active hours allow submissions.
    opening: Opening,
}

pub(super) async fn status(session: &Session, args: &StatusArgs) -> Result<Exit, CommandError> {
    if args.watch && !args.json {
        return live::watch(session).await;
    }
    loop {
        let snapshot = load(session).await?;
        let shown = if args.json {
            format!("{}\n", to_json_line(&json_status(&snapshot))?)
        } else {
            text(&snapshot, session.now())
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

async fn load(session: &Session) -> Result<StatusSnapshot, CommandError> {
    let opening = session.window(None).opening(session.now());
    let Some(store) = session.existing_store().await? else {
        let counts = JobState::ALL.into_iter().map(|state| (state, 0)).collect();
        let overview = Overview {
            counts,
            ..Overview::default()
        };
        return Ok(StatusSnapshot {
            overview,
            holds: Vec::new(),
            opening,
        });
    };
    let mut overview = store.overview(session.now().before(RATE_WINDOW)).await?;
    // A killed runner never recorded its end, so its record remains.
    overview.active_run = overview
        .active_run
        .filter(|_| Lock::is_held(&session.config.state.dir));
    let holds = session.holds(&store).await?;
    store.close().await;
    Ok(StatusSnapshot {
        overview,
        holds,
        opening,
    })
}

/// Counts queued, submitting and pending items.
fn unfinished(overview: &Overview) -> u64 {
    [JobState::Queued, JobState::Submitting, JobState::Pending]
        .iter()
        .map(|state| overview.counts[state])
        .sum()
}

/// Estimates the time left at the current rate.
fn left(overview: &Overview) -> Option<Duration> {
    let (unfinished, done) = (unfinished(overview), overview.done_since);
    (unfinished > 0 && done > 0).then(|| RATE_WINDOW.mul_f64(unfinished as f64 / done as f64))
}

fn json_status(snapshot: &StatusSnapshot) -> JsonStatus {
    let overview = &snapshot.overview;
    JsonStatus {
        counts: overview
            .counts
            .iter()
            .map(|(state, count)| (state.as_str(), *count))
            .collect(),
        holds: snapshot.holds.iter().map(JsonHold::from).collect(),
        opens_at: match snapshot.opening {
            Opening::At(time) => Some(time),
            Opening::Now | Opening::Never => None,
        },
        next_expiry: overview.next_expiry,
        next_due: overview.next_due,
        runner: overview
            .active_run
            .map(|ActiveRun { pid, since }| JsonRunner { pid, since }),
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

fn text(snapshot: &StatusSnapshot, now: Timestamp) -> String {
    let overview = &snapshot.overview;
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
    for hold in &snapshot.holds {
        let (kind, since, message) = (hold.kind, hold.since, escape_control_chars(&hold.message));
        text.push_str(&format!(
            "{WARN}held{WARN:#} ({kind}) since {since}: {message}\n     {}\n",
            kind.advice()
        ));
    }
    if snapshot.opening != Opening::Now {
        text.push_str(&format!("{}\n", snapshot.opening));
    }
    text.push_str(&match overview.active_run {
        Some(ActiveRun { pid, since }) => format!("running since {since} (process {pid})\n"),
        None => "not running\n".to_owned(),
    });
    if overview.done_since > 0 {
        let left = left(overview).map_or_else(String::new, |left| {
            format!(", about {} left", format_duration(left))
        });
        text.push_str(&format!(
            "{} done in the last hour{left}\n",
            overview.done_since
        ));
    }
    if overview.perhaps_paid > 0 {
        let count = overview.perhaps_paid;
        text.push_str(&format!(
            "{DIM}{count} submissions may have been billed without yielding a transcript{DIM:#}\n"
        ));
    }
    text
}

fn remark(state: JobState, overview: &Overview, now: Timestamp) -> String {
    match (state, overview.next_expiry, overview.next_due) {
        (JobState::Pending, Some(expiry), _) if expiry > now => {
            format!(
                "  the first expires in {}",
                format_duration(expiry.since(now))
            )
        }
        (JobState::Pending, Some(_), _) => {
            "  the first has expired, unless the service still has it".to_owned()
        }
        (JobState::Queued, _, Some(due)) if due > now => {
            format!("  the next is due in {}", format_duration(due.since(now)))
        }
        (JobState::Failed, ..) if overview.counts[&state] > 0 => {
            "  see `nightscribe list --state failed`".to_owned()
        }
        _ => String::new(),
    }
}
