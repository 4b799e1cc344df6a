//! The tools `search` and `read_passage`.

use super::tools::{Answer, Refused, Tools, output_schema};
use crate::app::passage::{Passage, passage_of};
use crate::app::search::answer::SearchAnswer;
use crate::app::search::{SearchOptions, search};
use crate::domain::JobId;
use crate::runtime::clock::{Clock, SystemClock};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Maximum number of transcripts of a search.
const MAX_TRANSCRIPTS: usize = 50;
/// Maximum number of passages of each.
const MAX_PASSAGES: usize = 10;
/// Maximum time before and after the requested one in a passage, in seconds.
const MAX_AROUND_S: f64 = 900.0;

/// Arguments of `search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    /// Words, phrases and filters.
    query: String,
    /// Number of transcripts to return.
    #[serde(default = "default_transcripts")]
    #[schemars(range(min = 1, max = 50))]
    limit: usize,
    /// Number of passages of each transcript.
    #[serde(default = "default_passages")]
    #[schemars(range(min = 1, max = 10))]
    passages: usize,
}

const fn default_transcripts() -> usize {
    10
}

const fn default_passages() -> usize {
    3
}

/// Arguments of `read_passage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PassageArguments {
    /// ID of the item, as `search` and `list` return it.
    item: i64,
    /// Time in the recording, in seconds from its start. `after_s` of a passage leads to the next one.
    #[schemars(range(min = 0))]
    at_s: f64,
    /// Seconds to read before and after that time.
    #[serde(default = "default_around")]
    #[schemars(range(min = 0, max = 900))]
    around_s: f64,
}

const fn default_around() -> f64 {
    60.0
}

#[tool_router(router = transcript_tools, vis = "pub(super)")]
impl Tools {
    #[tool(
        description = "Find words and phrases in all transcripts. Returns the best transcripts with the passages, their speakers \
            and times. In the query: words (all must occur), \"a phrase\", prefix*, a OR b, -without, NEAR(a b, 5), \
            speaker:Anna, source:talks, lang:de, after:2026-10-01, before:2026-11-01. Case and accents do not count.",
        output_schema = output_schema(include_str!("../../docs/json/search.json")),
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn search(
        &self,
        Parameters(arguments): Parameters<SearchArguments>,
    ) -> Result<Answer<SearchAnswer>, Refused> {
        within("limit", arguments.limit, MAX_TRANSCRIPTS)?;
        within("passages", arguments.passages, MAX_PASSAGES)?;
        let _permit = self.searches.acquire().await;
        let options = SearchOptions {
            sources: Vec::new(),
            transcripts: arguments.limit,
            passages: arguments.passages,
        };
        let zone = SystemClock.zone();
        let answer = search(&self.session, &arguments.query, &options, &zone).await?;
        Ok(Answer(answer))
    }

    #[tool(
        description = "Read the transcript of an item around a time: its paragraphs with their speakers and times. Has at most \
            20,000 characters.",
        output_schema = output_schema(include_str!("../../docs/json/passage.json")),
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn read_passage(
        &self,
        Parameters(arguments): Parameters<PassageArguments>,
    ) -> Result<Answer<Passage>, Refused> {
        if !(0.0..=MAX_AROUND_S).contains(&arguments.around_s) {
            let reason = format!("`around_s`: expected a number from 0 to {MAX_AROUND_S}");
            return Err(Refused::new(reason));
        }
        let at = Duration::try_from_secs_f64(arguments.at_s);
        let at = at.map_err(|_| Refused::new("`at_s`: expected seconds from the start"))?;
        let around = Duration::from_secs_f64(arguments.around_s);
        let passage = passage_of(&self.session, JobId(arguments.item), at, around).await?;
        Ok(Answer(passage))
    }
}

fn within(name: &str, value: usize, max: usize) -> Result<(), Refused> {
    match (1..=max).contains(&value) {
        true => Ok(()),
        false => Err(Refused::new(format!(
            "`{name}`: expected a number from 1 to {max}"
        ))),
    }
}
