//! The tools `list`, `show` and `status`.

use super::tools::{Answer, Refused, Tools, output_schema};
use crate::app::error::AppError;
use crate::app::item_list::{ItemList, ItemListRequest, item_list};
use crate::app::items::{ItemDetails, details_of};
use crate::app::status::{Status, status};
use crate::app::wait_text::WaitText;
use crate::domain::{ErrorClass, JobId, JobState, Timestamp};
use crate::store::sqlite::item_order::ItemOrder;
use crate::store::sqlite::items::ItemFilter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::{tool, tool_router};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::fmt::Display;
use std::str::FromStr;

/// Arguments of `list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListArguments {
    /// Only items in one of these states.
    #[serde(default)]
    #[schemars(schema_with = "states")]
    states: Vec<JobState>,
    /// Only items of this source.
    source: Option<String>,
    /// Only items whose path contains this text, in any case.
    search: Option<String>,
    /// Only items that changed since this time (RFC 3339).
    #[serde(default)]
    #[schemars(schema_with = "time")]
    since: Option<Timestamp>,
    /// Only items with this class of their last error.
    #[serde(default)]
    #[schemars(schema_with = "error_classes")]
    error: Option<String>,
    /// Only items in this language, requested or detected.
    language: Option<String>,
    /// Only items whose mean confidence is below this one, from 0 to 1.
    confidence_below: Option<f64>,
    /// Order of the items. Without it, the newest come first.
    #[serde(default)]
    #[schemars(schema_with = "orders")]
    sort: Option<String>,
    /// Only items with lower IDs: `next_before` of the page before, newest first.
    before: Option<i64>,
    /// Number of items before the page: `next_offset` of the page before, in another order.
    #[serde(default)]
    #[schemars(range(max = 10000))]
    offset: usize,
    /// Number of items of the page.
    #[serde(default = "default_size")]
    #[schemars(range(min = 1, max = 200))]
    limit: usize,
}

const fn default_size() -> usize {
    20
}

fn states(_: &mut SchemaGenerator) -> Schema {
    let names = JobState::ALL.map(JobState::as_str);
    json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
}

fn error_classes(_: &mut SchemaGenerator) -> Schema {
    one_of(&ErrorClass::ALL.map(ErrorClass::as_str))
}

fn orders(_: &mut SchemaGenerator) -> Schema {
    one_of(&ItemOrder::ALL.map(ItemOrder::as_str))
}

fn one_of(names: &[&str]) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string", "enum": names }, { "type": "null" }] })
}

fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

/// Arguments of `show`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShowArguments {
    /// ID of the item.
    item: i64,
}

#[tool_router(router = queue_tools, vis = "pub(super)")]
impl Tools {
    #[tool(
        description = "List recordings with their states, newest first, page by page.",
        output_schema = output_schema(include_str!("../../docs/json/item-list.json")),
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn list(
        &self,
        Parameters(arguments): Parameters<ListArguments>,
    ) -> Result<Answer<ItemList>, Refused> {
        let request = arguments.request()?;
        Ok(Answer(item_list(&self.session, request).await?))
    }

    #[tool(
        description = "Show one recording: its state, the reason that it waits or failed, its files and all its submissions.",
        output_schema = output_schema(include_str!("../../docs/json/item-details.json")),
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn show(
        &self,
        Parameters(arguments): Parameters<ShowArguments>,
    ) -> Result<Answer<ItemDetails<String>>, Refused> {
        let item = JobId(arguments.item);
        let details = details_of(&self.session, item).await?;
        let details = details.ok_or_else(|| AppError::NoItem(item.to_string()))?;
        let wait_text = WaitText::local(self.session.now());
        Ok(Answer(details.map_reason(|reason| wait_text.of(&reason))))
    }

    #[tool(
        description = "Show the number of items by state, the holds, the active run, and the time left.",
        output_schema = output_schema(include_str!("../../docs/json/status.json")),
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn status(&self) -> Result<Answer<Status>, Refused> {
        Ok(Answer(status(&self.session).await?))
    }
}

impl ListArguments {
    fn request(self) -> Result<ItemListRequest, Refused> {
        Ok(ItemListRequest {
            filter: ItemFilter {
                states: self.states,
                source: self.source,
                search: self.search,
                changed_since: self.since,
                error: parsed("error", self.error.as_deref())?,
                language: self.language,
                confidence_below: self.confidence_below,
                before: self.before.map(JobId),
                limit: None,
            },
            order: parsed("sort", self.sort.as_deref())?.unwrap_or_default(),
            offset: self.offset,
            size: self.limit,
        })
    }
}

fn parsed<T: FromStr<Err: Display>>(name: &str, value: Option<&str>) -> Result<Option<T>, Refused> {
    let parsed = value.map(str::parse).transpose();
    parsed.map_err(|error| Refused::new(format!("`{name}`: {error}")))
}
