//! Filters, order and page of a list of recordings, as the query of its address.

use crate::domain::{ErrorClass, JobId, JobState};
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;
use url::form_urlencoded;

/// Confidence below which a transcript counts as one of low confidence on the page.
const LOW_CONFIDENCE: f64 = 0.7;
/// Filters, order and page of a list. Values that are not known count as not set, so that a bookmark keeps working.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListQuery {
    pub(super) state: Option<JobState>,
    pub(super) source: String,
    pub(super) search: String,
    pub(super) error: Option<ErrorClass>,
    pub(super) language: String,
    pub(super) is_low: bool,
    pub(super) order: ItemOrder,
    /// Only items before this one, newest first.
    pub(super) before: Option<JobId>,
    /// Number of items before the page, in another order.
    pub(super) offset: usize,
}

impl ListQuery {
    /// Parses the query of an address.
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match key.as_ref() {
                "state" => parsed.state = value.parse().ok(),
                "source" => parsed.source = value.to_owned(),
                "search" => parsed.search = value.to_owned(),
                "error" => parsed.error = value.parse().ok(),
                "language" => parsed.language = value.to_owned(),
                "low" => parsed.is_low = !value.is_empty(),
                "sort" => parsed.order = value.parse().unwrap_or_default(),
                "before" => parsed.before = value.parse().ok().map(JobId),
                "offset" => parsed.offset = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        parsed
    }

    /// Returns the query of an address. Empty if nothing is set.
    pub(super) fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut add = |key, value: &str| {
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        };
        add("state", self.state.map_or("", JobState::as_str));
        add("source", &self.source);
        add("search", &self.search);
        add("error", self.error.map_or("", ErrorClass::as_str));
        add("language", &self.language);
        add("low", if self.is_low { "1" } else { "" });
        add(
            "sort",
            if self.order == ItemOrder::Newest {
                ""
            } else {
                self.order.as_str()
            },
        );
        let before = self.before.map(|job| job.to_string());
        add("before", &before.unwrap_or_default());
        if self.offset > 0 {
            add("offset", &self.offset.to_string());
        }
        query.finish()
    }

    /// Returns the filter of the items.
    pub(super) fn filter(&self) -> ItemFilter {
        let set = |text: &String| (!text.is_empty()).then(|| text.clone());
        ItemFilter {
            states: self.state.into_iter().collect(),
            source: set(&self.source),
            search: set(&self.search),
            error: self.error,
            language: set(&self.language),
            confidence_below: self.is_low.then_some(LOW_CONFIDENCE),
            before: self.before,
            ..ItemFilter::default()
        }
    }
}

/// Result of an action, in the query of the page that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ActionResult {
    /// Last action: `retry`, `cancel`, `pause` or `resume`.
    pub(super) action: &'static str,
    /// Number of items that were changed.
    pub(super) changed: usize,
    /// Number of items whose state does not allow the action.
    pub(super) refused: usize,
}

impl ActionResult {
    /// Adds the result to the query of an address.
    pub(super) fn add_to(self, query: &str) -> String {
        let before = if query.is_empty() { "" } else { "&" };
        let Self {
            action,
            changed,
            refused,
        } = self;
        format!("{query}{before}did={action}&changed={changed}&refused={refused}")
    }
}

/// Returns the sentence about the action that led to a page. Empty without one.
pub(super) fn notice(query: &str) -> String {
    let (mut action, mut changed, mut refused) = (String::new(), 0_u64, 0_u64);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "did" => action = value.into_owned(),
            "changed" => changed = value.parse().unwrap_or(0),
            "refused" => refused = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let done = match action.as_str() {
        "retry" => format!("{changed} requeued."),
        "cancel" => format!("{changed} cancelled."),
        "pause" => "Submissions are paused. Pending items are still collected.".to_owned(),
        "resume" => "Submissions resumed.".to_owned(),
        "speakers" => "The names are stored, and the transcripts written again.".to_owned(),
        "speakers-kept" => {
            "The names are stored. Transcripts that were edited stay as they are, and the new ones are beside them.".to_owned()
        }
        _ => return String::new(),
    };
    match (action.as_str(), refused) {
        (_, 0) => done,
        ("retry", _) => format!(
            "{done} {refused} unchanged: only failed, cancelled or excluded items can be retried."
        ),
        _ => format!(
            "{done} {refused} unchanged: only queued, pending or excluded items can be cancelled."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_the_same_after_parsing() {
        for query in [
            "",
            "state=failed&source=a+b&search=%3Cscript%3E&error=network&language=de&low=1&sort=path&offset=50",
            "before=7",
        ] {
            assert_eq!(ListQuery::parse(query).to_query(), query);
        }
    }

    #[test]
    fn unknown_values_count_as_not_set() {
        let query = "state=x&error=y&sort=z&before=a&offset=-1&page=3";
        assert_eq!(ListQuery::parse(query), ListQuery::default());
    }

    #[test]
    fn the_result_of_an_action_is_a_sentence() {
        let result = ActionResult {
            action: "retry",
            changed: 2,
            refused: 1,
        };
        assert_eq!(
            notice(&result.add_to("state=failed")),
            "2 requeued. 1 unchanged: only failed, cancelled or excluded items can be retried."
        );
        assert_eq!(notice("did=%3Cb%3E&changed=1"), "");
        assert_eq!(notice("state=failed"), "");
    }
}
