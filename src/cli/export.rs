//! `nightscribe export`

use super::args::ExportArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::selectors::{no_item, selected};
use super::terminal::{pluralize, print_error, printable_path};
use crate::app::actions::export::{ExportFiles, ExportOutcome, Exporter};
use crate::app::actions::export_result::ExportResult;
use crate::app::session::Session;
use crate::domain::format::FormatSelection;
use crate::domain::{JobId, KeptFile};
use crate::pipeline::stages::save::names::OnEdited;
use std::io::Write;

pub(super) async fn export(session: &Session, args: &ExportArgs) -> Result<Exit, CommandError> {
    let on_edited = if args.force {
        OnEdited::Replace
    } else {
        OnEdited::Keep
    };
    let files = if args.changed {
        ExportFiles::Changed
    } else {
        ExportFiles::Formats(FormatSelection::distinct(&args.formats))
    };
    let opened = Exporter::open(session, args.dir.as_deref(), files, on_edited);
    let mut exporter = opened.await?;
    let (items, is_incomplete) = if args.all || args.changed {
        (exporter.items().await?, false)
    } else {
        let (items, is_incomplete) = selected(session, &args.items).await?;
        let existing = existing(&exporter, &items).await?;
        let is_incomplete = is_incomplete || existing.len() < items.len();
        (existing, is_incomplete)
    };
    let mut exit = if is_incomplete {
        Exit::Usage
    } else {
        Exit::Done
    };
    let mut exported = 0;
    let mut remaining = &items[..];
    while !remaining.is_empty() {
        let outcomes = exporter.export(remaining).await?;
        remaining = &remaining[outcomes.len()..];
        for (item, outcome) in outcomes {
            exported += u64::from(matches!(outcome, ExportOutcome::Written { .. }));
            let printed = if args.json {
                print_json(item, outcome)?
            } else {
                print_outcome(item, outcome)?
            };
            if printed != Exit::Done {
                exit = printed;
            }
        }
    }
    exporter.close().await;
    tracing::debug!("{} exported", pluralize(exported, "item", "items"));
    Ok(exit)
}

/// Leaves out items that do not exist, and prints an error for each.
async fn existing(exporter: &Exporter<'_>, items: &[JobId]) -> Result<Vec<JobId>, CommandError> {
    let mut existing = Vec::new();
    for &item in items {
        match exporter.exists(item).await? {
            true => existing.push(item),
            false => print_error(&no_item(&item)),
        }
    }
    Ok(existing)
}

/// Prints the outcome of an item as JSON.
pub(super) fn print_json(item: JobId, outcome: ExportOutcome) -> Result<Exit, CommandError> {
    let exit = exit_of(&outcome);
    let result = ExportResult { item, outcome };
    writeln!(anstream::stdout().lock(), "{}", to_json_line(&result)?)?;
    Ok(exit)
}

/// Prints the files of an item, or why there are none.
pub(super) fn print_outcome(item: JobId, outcome: ExportOutcome) -> Result<Exit, CommandError> {
    let exit = exit_of(&outcome);
    match outcome {
        ExportOutcome::Written { files, kept } => {
            kept.iter().try_for_each(print_kept)?;
            for file in files {
                writeln!(anstream::stdout().lock(), "{}", printable_path(&file))?;
            }
        }
        ExportOutcome::Unchanged => {}
        ExportOutcome::Refused { reason } => print_error(&format!("item {item}: {reason}")),
    }
    Ok(exit)
}

const fn exit_of(outcome: &ExportOutcome) -> Exit {
    match outcome {
        ExportOutcome::Refused { .. } => Exit::SomeFailed,
        ExportOutcome::Written { .. } | ExportOutcome::Unchanged => Exit::Done,
    }
}

fn print_kept(file: &KeptFile) -> std::io::Result<()> {
    let (kept, new) = (printable_path(&file.path), printable_path(&file.new));
    writeln!(
        anstream::stderr().lock(),
        "kept {kept}: it was edited; the new transcript is {new} (--force replaces the edited one)"
    )
}
