//! Items: jobs with their recordings, attempts and hooks, and the reasons that they wait.

use super::error::AppError;
use super::session::Session;
use super::wait_reason::{WaitContext, WaitReason};
use crate::domain::quality::Quality;
use crate::domain::readable_path::{path_bytes, percent_form, readable_path};
use crate::domain::{Attempt, Failure, GenerationId, JobId, JobState, Timestamp, Warning};
use crate::policy::quality::quality;
use crate::provider::Completed;
use crate::provider::models::shown_name;
use crate::store::sqlite::hooks::HookRun;
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::{Item, ItemFilter};
use crate::store::sqlite::unusable::StoredAnswer;
use crate::store::{Store, StoreError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// An item, with its wait reason as `W`. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemView<W = WaitReason> {
    /// ID of the job.
    pub id: JobId,
    /// Name of the source.
    pub source: String,
    /// Absolute path or URL. A byte that is not UTF-8 is written as `\xNN`.
    pub path: String,
    /// Bytes of the path in percent form, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Path relative to the source, written like `path`.
    pub relative: String,
    /// Bytes of that path in percent form, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_bytes: Option<String>,
    /// State.
    pub state: JobState,
    /// Model.
    pub model: String,
    /// Options of the model.
    pub options: Map<String, Value>,
    /// Number of attempts spent.
    pub attempts: u32,
    /// Generation ID at the service.
    pub generation_id: Option<GenerationId>,
    /// Size in bytes. 0 for a URL.
    pub size_bytes: u64,
    /// Duration in seconds, if known.
    pub duration_s: Option<f64>,
    /// Whether that duration is an estimate from parts of the file.
    pub duration_is_estimate: bool,
    /// Whether it is submitted although its file is truncated (`retry --as-is`).
    pub as_is: bool,
    /// SHA-256 of the audio that was sent.
    pub sha256: Option<String>,
    /// Whether the recording contains no speech. `None` without a result.
    pub silent: Option<bool>,
    /// Figures of the transcript. `None` without a result, and in a list for results of earlier versions.
    pub quality: Option<Quality>,
    /// Job that paid for the result, if it is shared.
    pub paid_by: Option<JobId>,
    /// Job whose transcript this one was to replace, if it is a retry with another model.
    pub retry_of: Option<JobId>,
    /// Whether the transcript of `retry_of` is better, so that no file was written of this one.
    pub set_aside: bool,
    /// Earliest time of the next attempt. `None` unless the item is queued.
    pub due_at: Option<Timestamp>,
    /// Expiry at the service.
    pub expires_at: Option<Timestamp>,
    /// Reason that the item is not done. `None` in a final state.
    pub waits_for: Option<W>,
    /// Last failure.
    pub error: Option<Failure>,
    /// Warnings about the transcript.
    pub warnings: Vec<Warning>,
    /// Paths of the transcripts, written like `path`.
    pub outputs: Vec<String>,
    /// Paths of the transcripts in percent form, in the same order. `None` unless one of them is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs_bytes: Option<Vec<String>>,
    /// Creation time of the job.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

impl ItemView {
    fn new(item: Item, context: &WaitContext) -> Self {
        let is_queued = item.state == JobState::Queued;
        Self {
            waits_for: context.reason(&item),
            path_bytes: item.location.path_bytes(),
            path: item.location.readable(),
            relative: readable_path(&item.relative),
            relative_bytes: path_bytes(&item.relative),
            model: shown_name(item.job.request.model()),
            options: item.job.request.options().clone(),
            due_at: is_queued.then_some(item.due_at),
            outputs_bytes: outputs_bytes(&item.outputs),
            outputs: item
                .outputs
                .iter()
                .map(|path| readable_path(path))
                .collect(),
            id: item.job.id,
            source: item.source,
            state: item.state,
            attempts: item.job.attempts,
            generation_id: item.generation_id,
            size_bytes: item.size_bytes,
            duration_s: item.duration_s,
            duration_is_estimate: item.is_estimate,
            as_is: item.as_is,
            sha256: item.sha256,
            silent: item.silent,
            quality: item.quality,
            paid_by: item.paid_by,
            retry_of: item.retry_of,
            set_aside: item.is_set_aside,
            expires_at: item.expires_at,
            error: item.error,
            warnings: item.warnings,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }

    /// Converts the wait reason, for example to text.
    pub fn map_reason<W>(self, convert: impl FnOnce(WaitReason) -> W) -> ItemView<W> {
        ItemView {
            id: self.id,
            source: self.source,
            path: self.path,
            path_bytes: self.path_bytes,
            relative: self.relative,
            relative_bytes: self.relative_bytes,
            state: self.state,
            model: self.model,
            options: self.options,
            attempts: self.attempts,
            generation_id: self.generation_id,
            size_bytes: self.size_bytes,
            duration_s: self.duration_s,
            duration_is_estimate: self.duration_is_estimate,
            as_is: self.as_is,
            sha256: self.sha256,
            silent: self.silent,
            quality: self.quality,
            paid_by: self.paid_by,
            retry_of: self.retry_of,
            set_aside: self.set_aside,
            due_at: self.due_at,
            expires_at: self.expires_at,
            waits_for: self.waits_for.map(convert),
            error: self.error,
            warnings: self.warnings,
            outputs: self.outputs,
            outputs_bytes: self.outputs_bytes,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// An item with its attempts and its hook. This is the JSON form of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemDetails<W = WaitReason> {
    /// The item.
    #[serde(flatten)]
    pub item: ItemView<W>,
    /// All submissions, oldest first.
    pub history: Vec<Attempt>,
    /// Hook of its transcript, if any.
    pub hook: Option<HookView>,
    /// Stored answer of the service that could not be used, if the item failed because of it.
    pub unusable_answer: Option<UnusableAnswerView>,
}

impl ItemDetails {
    /// Converts the wait reason, for example to text.
    pub fn map_reason<W>(self, convert: impl FnOnce(WaitReason) -> W) -> ItemDetails<W> {
        ItemDetails {
            item: self.item.map_reason(convert),
            history: self.history,
            hook: self.hook,
            unusable_answer: self.unusable_answer,
        }
    }
}

/// Hook run for a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookView {
    /// Time it ended. `None` while it waits or runs.
    pub ended_at: Option<Timestamp>,
    /// Exit status, if it exited.
    pub status: Option<i32>,
    /// Error, if any.
    pub error: Option<String>,
}

impl From<HookRun> for HookView {
    fn from(hook: HookRun) -> Self {
        Self {
            ended_at: hook.ended_at,
            status: hook.exit_status,
            error: hook.error,
        }
    }
}

/// Stored answer of the service that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnusableAnswerView {
    /// Time of the answer.
    pub received_at: Timestamp,
    /// Why it could not be used.
    pub reason: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

impl From<StoredAnswer> for UnusableAnswerView {
    fn from(answer: StoredAnswer) -> Self {
        Self {
            received_at: answer.received_at,
            reason: answer.reason,
            size_bytes: answer.body.len() as u64,
        }
    }
}

/// Maximum number of items of a page.
const PAGE_ITEMS: usize = 500;

/// Items in an order, read page by page: a queue may have a million of them.
pub struct ItemPages {
    store: Store,
    context: WaitContext,
    filter: ItemFilter,
    /// Number of items that may still be returned.
    left: usize,
    /// IDs of the items that are left, in another order than newest first.
    ordered: Option<std::vec::IntoIter<JobId>>,
}

impl ItemPages {
    /// Returns the next page. Empty after the last item.
    ///
    /// The queue may change between pages. No item is returned twice.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next(&mut self) -> Result<Vec<ItemView>, AppError> {
        let items = match &mut self.ordered {
            Some(ids) => {
                let page: Vec<_> = ids.by_ref().take(PAGE_ITEMS).collect();
                self.store.items_of(&page).await?
            }
            None => self.newest().await?,
        };
        let views = items
            .into_iter()
            .map(|item| ItemView::new(item, &self.context));
        Ok(views.collect())
    }

    /// Leaves out the next items, in another order than newest first.
    pub fn skip(&mut self, count: usize) {
        if let Some(ids) = &mut self.ordered {
            ids.by_ref().take(count).for_each(drop);
        }
    }

    async fn newest(&mut self) -> Result<Vec<Item>, AppError> {
        self.filter.limit = Some(PAGE_ITEMS.min(self.left));
        let items = self.store.list(&self.filter).await?;
        self.left -= items.len();
        self.filter.before = items.last().map(|item| item.job.id).or(self.filter.before);
        Ok(items)
    }

    /// Closes the database.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// Returns the pages of the items. `None` while no queue exists.
///
/// # Errors
/// If there is no source of the requested name, or the database fails.
pub async fn pages(
    session: &Session,
    filter: ItemFilter,
    order: ItemOrder,
) -> Result<Option<ItemPages>, AppError> {
    let name = filter.source.as_deref();
    let Some(store) = session.existing_store().await? else {
        if let Some(name) = name {
            session.source(name)?;
        }
        return Ok(None);
    };
    if let Some(name) = name {
        session.require_known_source(&store, name).await?;
    }
    let ordered = match order {
        ItemOrder::Newest => None,
        order => Some(store.ordered_ids(&filter, order).await?.into_iter()),
    };
    Ok(Some(ItemPages {
        ordered,
        context: WaitContext::load(session, &store).await?,
        left: filter.limit.unwrap_or(usize::MAX),
        store,
        filter,
    }))
}

/// Returns an item with its attempts. `None` if there is no item of this ID.
///
/// # Errors
/// If the database fails.
pub async fn details_of(session: &Session, id: JobId) -> Result<Option<ItemDetails>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let found = match store.item(id).await? {
        None => None,
        Some(item) => Some(details(session, &store, item).await?),
    };
    store.close().await;
    Ok(found)
}

/// Returns the paths of the transcripts of an item. Empty if there is no such item.
///
/// # Errors
/// If the database fails.
pub async fn outputs_of(session: &Session, id: JobId) -> Result<Vec<PathBuf>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(Vec::new());
    };
    let outputs = store.outputs(id).await?;
    store.close().await;
    Ok(outputs)
}

async fn details(
    session: &Session,
    store: &Store,
    mut item: Item,
) -> Result<ItemDetails, AppError> {
    if item.quality.is_none() {
        item.quality = computed_quality(store, item.job.id).await?;
    }
    let history = store.attempts(item.job.id).await?;
    let hook = store.hook_run(item.job.id).await?;
    let unusable_answer = match item.state {
        JobState::Failed => store.kept_answer(item.job.id).await?,
        _ => None,
    };
    let context = WaitContext::load(session, store).await?;
    Ok(ItemDetails {
        item: ItemView::new(item, &context),
        history,
        hook: hook.map(HookView::from),
        unusable_answer: unusable_answer.map(UnusableAnswerView::from),
    })
}

/// Computes the figures of a result that an earlier version stored without. `None` without a result.
async fn computed_quality(store: &Store, item: JobId) -> Result<Option<Quality>, AppError> {
    let Some(packed) = store.results(&[item]).await?.remove(&item) else {
        return Ok(None);
    };
    let completed = Completed::from_stored(packed.into_packed())
        .map_err(|_| StoreError::Content { column: "raw" })?;
    Ok(Some(quality(&completed.transcript)))
}

fn outputs_bytes(outputs: &[PathBuf]) -> Option<Vec<String>> {
    let is_text = outputs.iter().all(|path| path.to_str().is_some());
    (!is_text).then(|| outputs.iter().map(|path| percent_form(path)).collect())
}
