//! Arguments of the commands about items: `add`, `list`, `show`, `retry` and `cancel`.

use super::parsers::count;
use super::since::{Since, since};
use crate::cli::candidates;
use crate::domain::{ErrorClass, JobState};
use crate::store::sqlite::item_order::ItemOrder;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Help of the words that select items.
pub(super) const ITEMS_HELP: &str =
    "IDs, ranges of IDs (3-7), paths, patterns ('*.mp3') or URLs; - reads them from standard input";

/// Arguments of `add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Files, or http(s) URLs for the service to download
    #[arg(required = true, value_name = "PATH|URL")]
    pub what: Vec<PathBuf>,
    /// Source that supplies model and options [default: the first]
    #[arg(long, value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List only items in this state; repeatable
    #[arg(long = "state", value_name = "S", add = candidates::states())]
    pub states: Vec<JobState>,
    /// List only failed items; short for --state failed
    #[arg(long)]
    pub failed: bool,
    /// List only items of this source
    #[arg(long, value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
    /// List only items whose path contains TEXT, in any case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// List only items changed since WHEN: a day (2026-11-01), a time, or a duration before now (7d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// Order of the items
    #[arg(long, value_name = "ORDER", default_value = "newest")]
    pub sort: ItemOrder,
    /// List at most N items
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>)]
    pub limit: Option<usize>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

impl ValueEnum for ItemOrder {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Newest => "Newest first",
            Self::Oldest => "Oldest first",
            Self::Path => "By path",
            Self::Longest => "Longest recording first",
            Self::Changed => "Last changed first",
            Self::Confidence => "Lowest mean confidence first, with the figures of the transcripts",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Items to show
    #[arg(required = true, value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
    /// Print one JSON object per item
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true).multiple(true),
    after_help = "\
With --low-quality, a run submits the recordings within the budget. The earlier results stay stored, and
`export` writes them again. A transcript that was edited is kept."
)]
pub struct RetryArgs {
    /// Failed, cancelled or excluded items to retry
    #[arg(group = "which", value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
    /// Retry all failed items
    #[arg(long, group = "which")]
    pub failed: bool,
    /// Retry failed items with this error class
    #[arg(long, group = "which", value_name = "CLASS", add = candidates::errors())]
    pub error: Option<ErrorClass>,
    /// Retry failed items of this source
    #[arg(long, group = "which", value_name = "NAME", add = candidates::sources())]
    pub source: Option<String>,
    /// Submit the items although their files are truncated
    #[arg(long, requires = "items")]
    pub as_is: bool,
    /// Transcribe recordings again whose transcript has a mean confidence below BELOW (0 to 1)
    #[arg(
        long,
        group = "which",
        value_name = "BELOW",
        value_parser = confidence,
        requires = "model",
        conflicts_with_all = ["items", "failed", "error"]
    )]
    pub low_quality: Option<f64>,
    /// Model for these recordings
    #[arg(long, value_name = "MODEL", requires = "low_quality", add = candidates::models())]
    pub model: Option<String>,
    /// Write the new transcript only if its confidence is higher [default: replace the earlier one]
    #[arg(long, requires = "low_quality")]
    pub keep_better: bool,
    /// Show the number of these recordings, their length and the cost; queue nothing
    #[arg(long, requires = "low_quality")]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn confidence(text: &str) -> Result<f64, String> {
    let parsed = text.parse().ok();
    let valid = parsed.filter(|below| *below > 0.0 && *below <= 1.0);
    valid.ok_or_else(|| "expected a confidence above 0 and at most 1, as in 0.7".to_owned())
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// Items to cancel
    #[arg(required = true, value_name = "ITEM", help = ITEMS_HELP)]
    pub items: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
