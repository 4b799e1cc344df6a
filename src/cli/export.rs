//! `nightscribe export`

use super::args::ExportArgs;
use super::exit::{CommandError, Exit};
use super::terminal::{pluralize, print_error, printable_path};
use crate::app::actions::export::{ExportOutcome, Exporter};
use crate::app::session::Session;
use crate::domain::{JobId, KeptFile};
use crate::pipeline::stages::save::names::OnEdited;
use std::io::Write;

pub(super) async fn export(session: &Session, args: &ExportArgs) -> Result<Exit, CommandError> {
    let on_edited = if args.force {
        OnEdited::Replace
    } else {
        OnEdited::Keep
    };
    let opened = Exporter::open(session, args.dir.as_deref(), &args.formats, on_edited);
    let mut exporter = opened.await?;
    let items = if args.all {
        exporter.items().await?
    } else {
        args.ids.iter().copied().map(JobId).collect()
    };
    let mut exit = Exit::Done;
    let mut exported = 0;
    for item in items {
        match exporter.export(item).await? {
            ExportOutcome::Written { files, kept } => {
                exported += 1;
                kept.iter().try_for_each(print_kept)?;
                for file in files {
                    writeln!(anstream::stdout().lock(), "{}", printable_path(&file))?;
                }
            }
            ExportOutcome::Refused { reason } => {
                exit = Exit::SomeFailed;
                print_error(&format!("item {item}: {reason}"));
            }
        }
    }
    exporter.close().await;
    tracing::debug!("{} exported", pluralize(exported, "item", "items"));
    Ok(exit)
}

fn print_kept(file: &KeptFile) -> std::io::Result<()> {
    let (kept, new) = (printable_path(&file.path), printable_path(&file.new));
    writeln!(
        anstream::stderr().lock(),
        "kept {kept}: it was edited; the new transcript is {new} (--force replaces the edited one)"
    )
}
