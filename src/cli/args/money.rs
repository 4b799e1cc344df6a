//! Arguments of the commands about cost: `plan`, `prices` and `report`.

use super::since::{Since, since};
use crate::app::billing::GroupBy;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `prices`.
#[derive(Debug, Args)]
pub struct PricesArgs {
    /// Fetch current prices from the service and store them
    #[arg(long)]
    pub refresh: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Include submissions since WHEN: a day (2026-11-01), a time, or a duration before now (7d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// Print one line per source, model or day
    #[arg(long, value_name = "GROUP", default_value = "source")]
    pub by: GroupBy,
    /// Print one JSON object
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// Compare with the service's list of charges and print every difference
    #[arg(long, conflicts_with = "csv")]
    pub reconcile: bool,
    /// Print the quality of the transcripts instead: confidence, share of speech, repetitions and languages
    #[arg(long, conflicts_with_all = ["csv", "reconcile"])]
    pub quality: bool,
}

impl ValueEnum for GroupBy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Source, Self::Model, Self::Day]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Source => ("source", "Source"),
            Self::Model => ("model", "Model"),
            Self::Day => ("day", "Day of submission, in local time"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
