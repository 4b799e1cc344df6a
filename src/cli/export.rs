//! `nightscribe export`

use super::args::ExportArgs;
use super::exit::{CommandError, Exit};
use super::terminal::{pluralize, print_error, printable_path};
use crate::app::actions::export::{ExportOutcome, Exporter};
use crate::app::session::Session;
use crate::domain::JobId;
use std::io::Write;

pub(super) async fn export(session: &Session, args: &ExportArgs) -> Result<Exit, CommandError> {
    let mut exporter = Exporter::open(session, args.dir.as_deref(), &args.formats).await?;
    let items = if args.all {
        exporter.items().await?
    } else {
        args.ids.iter().copied().map(JobId).collect()
    };
    let mut exit = Exit::Done;
    let mut exported = 0;
    for item in items {
        match exporter.export(item).await? {
            ExportOutcome::Written { files } => {
                exported += 1;
                for file in files {
                    writeln!(anstream::stdout().lock(), "{}", printable_path(&file))?;
                }
            }
            ExportOutcome::Refused { reason } => {
                exit = Exit::SomeFailed;
                print_error(&format!("item {item}: {reason}"))?;
            }
        }
    }
    exporter.close().await;
    tracing::debug!("{} exported", pluralize(exported, "item", "items"));
    Ok(exit)
}
