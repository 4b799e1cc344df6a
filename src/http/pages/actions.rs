//! Actions of the pages: forms that lead back to their page with the result.

use super::error::PageError;
use super::list_query::{ActionResult, ListQuery};
use crate::app::actions::cancel::cancel;
use crate::app::actions::pause::{pause, resume, submit_anyway};
use crate::app::actions::retry::retry;
use crate::domain::JobId;
use crate::http::site::Site;
use crate::runtime::clock::{Clock as _, SystemClock};
use crate::store::sqlite::operator::RetryFilter;
use axum::extract::State;
use axum::response::Redirect;
use std::sync::Arc;
use url::form_urlencoded;

/// Items of a form, and the page to return to.
struct ItemForm {
    items: Vec<JobId>,
    /// The only item, if the form is on its page.
    item: Option<JobId>,
    list: ListQuery,
}

impl ItemForm {
    /// Parses a form.
    ///
    /// # Errors
    /// Why it cannot be used, as a sentence.
    fn parse(body: &str) -> Result<Self, String> {
        let mut form = Self {
            items: Vec::new(),
            item: None,
            list: ListQuery::default(),
        };
        for (key, value) in form_urlencoded::parse(body.as_bytes()) {
            match key.as_ref() {
                "id" => {
                    let id = value.parse().map(JobId);
                    let id = id.map_err(|_| format!("`{value}` is not the ID of a recording."));
                    form.items.push(id?);
                }
                "from" => form.item = value.parse().ok().map(JobId),
                "query" => form.list = ListQuery::parse(&value),
                _ => {}
            }
        }
        match form.items.is_empty() {
            true => Err("No recording is selected.".to_owned()),
            false => Ok(form),
        }
    }

    fn back(&self, site: &Site, result: ActionResult) -> Redirect {
        let base = site.base();
        let target = match self.item {
            Some(item) => format!("{base}/recordings/{item}?{}", result.add_to("")),
            None => format!("{base}/recordings?{}", result.add_to(&self.list.to_query())),
        };
        Redirect::to(&target)
    }
}

/// Requeues the selected items.
pub(super) async fn retry_items(
    State(site): State<Arc<Site>>,
    body: String,
) -> Result<Redirect, PageError> {
    let form = ItemForm::parse(&body);
    let form = form.map_err(|message| PageError::bad(&site, message))?;
    let filter = RetryFilter {
        jobs: form.items.clone(),
        ..RetryFilter::default()
    };
    let requeued = retry(&site.session, filter).await;
    let requeued = requeued.map_err(|error| PageError::failed(&site, &error))?;
    let result = ActionResult {
        action: "retry",
        changed: requeued.items.len(),
        refused: requeued.refused.len(),
    };
    Ok(form.back(&site, result))
}

/// Cancels the selected items.
pub(super) async fn cancel_items(
    State(site): State<Arc<Site>>,
    body: String,
) -> Result<Redirect, PageError> {
    let form = ItemForm::parse(&body);
    let form = form.map_err(|message| PageError::bad(&site, message))?;
    let cancelled = cancel(&site.session, form.items.clone()).await;
    let cancelled = cancelled.map_err(|error| PageError::failed(&site, &error))?;
    let result = ActionResult {
        action: "cancel",
        changed: cancelled.items.len(),
        refused: cancelled.refused.len(),
    };
    Ok(form.back(&site, result))
}

/// Pauses submissions.
pub(super) async fn pause_submissions(
    State(site): State<Arc<Site>>,
) -> Result<Redirect, PageError> {
    let paused = pause(&site.session, None, &SystemClock.zone()).await;
    paused.map_err(|error| PageError::failed(&site, &error))?;
    Ok(to_home(&site, "pause"))
}

/// Resumes submissions. The field `submit_anyway` approves the payment for recordings that look paid already.
pub(super) async fn resume_submissions(
    State(site): State<Arc<Site>>,
    body: String,
) -> Result<Redirect, PageError> {
    let failed = |error| PageError::failed(&site, &error);
    let is_approved = form_urlencoded::parse(body.as_bytes())
        .any(|(key, value)| key == "submit_anyway" && value == "yes");
    if is_approved {
        submit_anyway(&site.session).await.map_err(failed)?;
    } else {
        resume(&site.session).await.map_err(failed)?;
    }
    Ok(to_home(&site, "resume"))
}

fn to_home(site: &Site, action: &'static str) -> Redirect {
    let result = ActionResult {
        action,
        changed: 0,
        refused: 0,
    };
    let base = site.base();
    let home = if base.is_empty() { "/" } else { base };
    Redirect::to(&format!("{home}?{}", result.add_to("")))
}
