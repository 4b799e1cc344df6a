//! Pauses and resumes submissions.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::local_time::format_time;
use crate::domain::{Hold, HoldKind, Timestamp};
use crate::store::sqlite::source_holds::ApprovedSource;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Reason that the status shows for a pause.
const PAUSED: &str = "paused by `nightscribe pause`";

/// JSON form of a pause. Fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PauseResult {
    /// Whether submissions are paused. Always true.
    pub is_paused: bool,
    /// When submissions resume by themselves.
    pub until: Option<Timestamp>,
}

/// JSON form of a resumption. Fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResumeResult {
    /// Whether submissions were held.
    pub is_resumed: bool,
    /// Sources whose recordings will be submitted although they look paid.
    pub approved: Vec<ApprovedSource>,
    /// Holds of sources that were not ended.
    pub still_held: Vec<Hold>,
}

/// Pauses submissions until [`resume`], or until the given time. Pending items are still collected. A pause in force keeps
/// its start time, but not its end.
///
/// # Errors
/// If there is no configuration file, or the database fails.
pub async fn pause(
    session: &Session,
    until: Option<Timestamp>,
    zone: &TimeZone,
) -> Result<(), AppError> {
    let (store, now) = (session.store().await?, session.now());
    let message = match until {
        Some(until) => format!("{PAUSED} until {}", format_time(until, now, zone)),
        None => PAUSED.to_owned(),
    };
    let hold = Hold {
        ends: until,
        ..Hold::new(HoldKind::Operator, now, message)
    };
    store.hold(hold).await?;
    store.close().await;
    Ok(())
}

/// Approves the payment for all recordings that are held because they look paid for. Returns their sources.
///
/// Recordings that are queued later may be held again.
///
/// # Errors
/// If the database fails.
pub async fn submit_anyway(session: &Session) -> Result<Vec<ApprovedSource>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(Vec::new());
    };
    let sources = store.approve_sources().await?;
    store.close().await;
    Ok(sources)
}

/// Returns the holds of single sources, which [`resume`] does not end.
///
/// # Errors
/// If the database fails.
pub async fn source_holds(session: &Session) -> Result<Vec<Hold>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(Vec::new());
    };
    let holds = store.source_holds().await?;
    store.close().await;
    Ok(holds)
}

/// Resumes submissions after a pause, or after paid transcripts did not come back. Returns whether they were held.
///
/// # Errors
/// If the database fails.
pub async fn resume(session: &Session) -> Result<bool, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(false);
    };
    let mut is_released = false;
    for kind in HoldKind::ALL
        .into_iter()
        .filter(|kind| kind.ends_with_resume())
    {
        is_released |= store.release(kind).await?;
    }
    store.close().await;
    Ok(is_released)
}
