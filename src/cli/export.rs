//! `nightscribe export`

use super::args::Export;
use super::exit::{Exit, Report};
use super::session::Session;
use super::terminal::{ERROR, count, shown};
use crate::config::{Layout, Output};
use crate::domain::JobId;
use crate::pipeline::save::{folder, place, rendered};
use crate::store::Store;
use crate::store::progress::WrittenFile;
use std::io::Write;

pub(super) async fn export(session: &Session, args: &Export) -> Result<Exit, Report> {
    let Some(store) = session.existing_store().await? else {
        return Err(Report::new(
            Exit::Usage,
            "there is no result yet; `nightscribe run` makes some",
        ));
    };
    let output = match &args.dir {
        Some(dir) => Output {
            dir: session.environment.folder.join(dir),
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
    for job in jobs {
        match one(session, &store, &output, args, job).await? {
            Ok(files) => {
                exported += 1;
                for file in files {
                    writeln!(anstream::stdout().lock(), "{}", shown(&file.path))?;
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
    tracing::debug!("{} exported", count(exported, "item", "items"));
    Ok(exit)
}

/// The files written, or why there are none.
async fn one(
    session: &Session,
    store: &Store,
    output: &Output,
    args: &Export,
    job: JobId,
) -> Result<Result<Vec<WrittenFile>, String>, Report> {
    let Some(received) = store.with_result(job).await? else {
        return Ok(Err("it has no result".to_owned()));
    };
    let rendered = rendered(store, &received, &args.formats).await?;
    match place(
        store,
        &received,
        &folder(output, &received),
        &rendered.files,
    )
    .await?
    {
        Ok(files) => {
            store.exported(job, files.clone(), session.now()).await?;
            Ok(Ok(files))
        }
        Err(failure) => Ok(Err(failure.message)),
    }
}
