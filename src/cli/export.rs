//! `nightscribe export`

use super::args::ExportArgs;
use super::exit::{CommandError, Exit};
use crate::app::session::Session;
use super::terminal::{ERROR, pluralize, printable_path};
use crate::config::{Layout, OutputConfig};
use crate::domain::format::FormatSelection;
use crate::domain::{Failure, JobId};
use crate::output::staging_file::remove_staging_files;
use crate::output::write::sync_folder;
use crate::pipeline::lock::Lock;
use crate::pipeline::stages::save::staging::{
    RenderedFiles, StagedFiles, output_folder, render_files, write_failure,
};
use crate::provider::Completed;
use crate::store::Store;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::transitions::WrittenFile;
use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) async fn export(session: &Session, args: &ExportArgs) -> Result<Exit, CommandError> {
    let Some(store) = session.existing_store().await? else {
        return Err(CommandError::new(
            Exit::Usage,
            "there are no results yet; `nightscribe run` produces them",
        ));
    };
    let output = match &args.dir {
        Some(dir) => OutputConfig {
            dir: session.environment.working_dir.join(dir),
            layout: Layout::Mirror,
            ..session.config.output.clone()
        },
        None => session.config.output.clone(),
    };
    let jobs = if args.all {
        store.jobs_with_result().await?
    } else {
        args.ids.iter().copied().map(JobId).collect()
    };
    let mut exit = Exit::Done;
    let mut exported = 0;
    let mut tidied = BTreeSet::new();
    for job in jobs {
        match one(session, &store, &output, args, job, &mut tidied).await? {
            Ok(files) => {
                exported += 1;
                for file in files {
                    writeln!(anstream::stdout().lock(), "{}", printable_path(&file.path))?;
                }
            }
            Err(reason) => {
                exit = Exit::SomeFailed;
                writeln!(
                    anstream::stderr(),
                    "{ERROR}error{ERROR:#}: item {job}: {reason}"
                )?;
            }
        }
    }
    store.close().await;
    tracing::debug!("{} exported", pluralize(exported, "item", "items"));
    Ok(exit)
}

/// Writes the files of one job. Returns their paths, or the reason there are none.
async fn one(
    session: &Session,
    store: &Store,
    output: &OutputConfig,
    args: &ExportArgs,
    job: JobId,
    tidied: &mut BTreeSet<PathBuf>,
) -> Result<Result<Vec<WrittenFile>, String>, CommandError> {
    let Some(received) = store.with_result(job).await? else {
        return Ok(Err("no result is stored".to_owned()));
    };
    let Some(packed) = store.results(&[job]).await?.remove(&job) else {
        return Ok(Err("no result is stored".to_owned()));
    };
    let ours = store.outputs_of(&[received.recording]).await?;
    let folder = output_folder(output, &received);
    if tidied.insert(folder.clone()) {
        tidy(session, &folder);
    }
    let formats = FormatSelection::distinct(&args.formats);
    let rendered = render_files(
        &received,
        &Completed::from_raw(packed.unpack()?),
        &folder,
        &output.name,
        &formats,
    );
    let ours = ours.into_values().next().unwrap_or_default();
    match write(&received, ours, &folder, rendered) {
        Ok(files) => {
            store
                .record_export(job, files.clone(), session.now())
                .await?;
            Ok(Ok(files))
        }
        Err(failure) => Ok(Err(failure.message)),
    }
}

fn write(
    received: &ReceivedJob,
    ours: HashSet<PathBuf>,
    folder: &Path,
    rendered: RenderedFiles,
) -> Result<Vec<WrittenFile>, Failure> {
    // Exports run one after another, so no other job reserves a path.
    let is_free = |_: &[PathBuf]| true;
    let placing = StagedFiles::stage(received, ours, folder.to_owned(), rendered, is_free)?;
    placing.sync()?;
    let files = placing.commit(is_free)?;
    sync_folder(folder).map_err(|error| write_failure(&error))?;
    Ok(files)
}

/// Removes staging files that a killed export left in `folder`.
///
/// No runner removes them at its start, because no job waits for them. Does nothing while a runner is active, since the
/// files may be the runner's. A runner that starts at the same moment writes its files again.
fn tidy(session: &Session, folder: &Path) {
    if Lock::is_held(&session.config.state.dir) {
        return;
    }
    if let Err(error) = remove_staging_files(folder) {
        tracing::warn!(error = %error, folder = %folder.display(), "cannot remove leftover staging files");
    }
}
