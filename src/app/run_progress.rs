//! Progress of the active run, for its display: audio and cost that are done of all, the time left, and what is transcribed.

use super::error::AppError;
use super::live::InFlightItem;
use super::progress::{forecast_of, load_progress};
use super::session::Session;
use super::status::load_overview;
use crate::pipeline::budget::{prices, spent_since};
use crate::policy::time_left::{Progress, RecordingSize};
use crate::store::Store;
use std::time::Duration;

/// Maximum number of recordings at the service that are named.
const MAX_PENDING: usize = 10;

/// Progress of the active run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunProgress {
    /// Time until the last result. `None` if submissions are held, or nothing is known yet.
    pub left: Option<Duration>,
    /// Seconds of audio that are queued or in flight.
    pub audio_left_s: f64,
    /// Cost of what was submitted.
    pub cost: f64,
    /// Expected cost at the end of the run.
    pub planned_cost: f64,
    /// Currency of the cost. `None` without prices.
    pub currency: Option<String>,
    /// Some recordings at the service, the longest there first.
    pub pending: Vec<InFlightItem>,
    /// Median time from an acceptance to its result. `None` without results.
    pub usual_result: Option<Duration>,
}

/// Loader of the progress. Keeps the database open.
#[derive(Default)]
pub struct RunProgressLoader {
    store: Option<Store>,
}

impl RunProgressLoader {
    /// Loads the progress. `None` while no run is active.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&mut self, session: &Session) -> Result<Option<RunProgress>, AppError> {
        if self.store.is_none() {
            self.store = session.existing_store().await?;
        }
        match &self.store {
            Some(store) => progress_of(session, store).await,
            None => Ok(None),
        }
    }
}

async fn progress_of(session: &Session, store: &Store) -> Result<Option<RunProgress>, AppError> {
    let now = session.now();
    let overview = load_overview(session, store, now).await?;
    let Some(run) = overview.active_run else {
        return Ok(None);
    };
    let is_held = !session.holds(store).await?.is_empty();
    let progress = load_progress(session, store, &overview, now).await?;
    let prices = prices(&session.config, store).await?;
    let spent = spent_since(run.since, store, &prices).await?;
    let queued_s = queued_s(&progress);
    let price_per_s = match spent.audio_s > 0.0 {
        true => spent.cost / spent.audio_s,
        false => 0.0,
    };
    let pending = store.activity(now, now, MAX_PENDING).await?.pending;
    Ok(Some(RunProgress {
        left: forecast_of(&progress, &session.window(None), is_held, now).left,
        audio_left_s: queued_s + in_flight_s(&progress),
        cost: spent.cost,
        planned_cost: spent.cost + queued_s * price_per_s,
        currency: prices.currency().map(str::to_owned),
        pending: pending.iter().map(InFlightItem::from).collect(),
        usual_result: progress.usual_result(),
    }))
}

/// Returns the seconds of audio that are queued.
fn queued_s(progress: &Progress) -> f64 {
    let listed = &progress.queued;
    let share = progress.queued_total as f64 / listed.len().max(1) as f64;
    listed.iter().map(seconds).sum::<f64>() * share
}

fn in_flight_s(progress: &Progress) -> f64 {
    let in_flight = progress.sending.iter().chain(&progress.pending);
    in_flight.map(|one| seconds(&one.size)).sum()
}

const fn seconds(size: &RecordingSize) -> f64 {
    size.audio_s
}
