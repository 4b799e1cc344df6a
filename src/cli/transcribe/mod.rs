//! `nightscribe transcribe`: transcribes files, folders and URLs with the pipeline of a run, and a queue of its own.
//!
//! - `service`: the service, or a `local_sandbox` in its place
//! - `printer`: texts, JSON and messages

#[cfg(feature = "sandbox")]
mod local_sandbox;
pub(super) mod printer;
mod service;

use super::args::{GlobalArgs, TranscribeArgs};
use super::display::terminal::print_line;
use super::display::{self, RunDisplay};
use super::exit::{CommandError, Exit};
use super::run::exit_code;
use super::signals::stop_on_signal;
use crate::app::session::{Session, environment};
use crate::app::transcribe::delivery::{Delivery, TranscribeOutcome};
use crate::app::transcribe::inputs::{Inputs, names_in_list};
use crate::app::transcribe::queue::{TranscribeQueue, session};
use crate::domain::format::FormatSelection;
use crate::domain::{Format, JobId, JobState};
use crate::notify::Channels;
use crate::pipeline::event::{Observer, RunEvent};
use crate::pipeline::lock::LockError;
use crate::pipeline::{self, Lock, Mode, Reload, Setup, Summary};
use crate::provider::{Wish, request_for};
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::items::Item;
use printer::Printer;
use secrecy::SecretString;
use service::Service;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often the lock is tried while another `transcribe` runs.
const LOCK_RETRY: Duration = Duration::from_millis(200);

pub(super) async fn transcribe(
    args: &TranscribeArgs,
    global: &GlobalArgs,
) -> Result<Exit, CommandError> {
    if global.config.is_some() {
        return Err(CommandError::new(
            Exit::Usage,
            "`transcribe` reads no configuration file; leave out --config, or use `nightscribe add` and `nightscribe run` for the queue of a configuration",
        ));
    }
    let wish = Wish {
        model: args.model.clone(),
        language: args.language.clone(),
        diarize: args.diarize,
    };
    let request = request_for(&wish);
    let request = request.map_err(|error| CommandError::from_error(Exit::Usage, &error))?;
    let environment = environment()?;
    let printer = Printer::new(args, global, is_single(args, &environment.working_dir));
    let names = names(&args.what)?;
    let working_dir = environment.working_dir.clone();
    let inputs = move || Inputs::find(&names, &working_dir, SystemClock.now());
    let inputs = tokio::task::spawn_blocking(inputs)
        .await
        .map_err(|error| CommandError::internal("the search for recordings panicked", &error))?;
    printer.refused(&inputs.refused)?;
    let exit = match inputs.refused.is_empty() {
        true => Exit::Done,
        false => Exit::SomeFailed,
    };
    if inputs.found.is_empty() {
        return Ok(Exit::Usage);
    }
    let service = Service::start(args, &environment).await?;
    let dir = args.output_dir.as_deref().unwrap_or(Path::new("."));
    let mut session = session(environment, service.state_folder(), dir, formats(args))?;
    service.configure(&mut session)?;
    let queue = TranscribeQueue::open(&session, inputs.found, &request).await?;
    let delivery = Delivery::open(&session, queue.store(), printer.writes_files()).await?;
    let mut call = Call {
        session: &session,
        queue: &queue,
        delivery,
        printer,
        delivered: HashSet::new(),
        broken_output: None,
    };
    let ended = call.run(&service, global).await;
    call.delivery.close().await;
    let broken_output = call.broken_output;
    queue.close().await;
    service.stop().await;
    let ended = ended?;
    if let Some(error) = broken_output {
        return Err(error);
    }
    Ok(if ended == Exit::Done { exit } else { ended })
}

/// Whether the call is for one file or URL, whose text is printed.
fn is_single(args: &TranscribeArgs, working_dir: &Path) -> bool {
    match &args.what[..] {
        [name] => name != Path::new("-") && !working_dir.join(name).is_dir(),
        _ => false,
    }
}

/// Returns the names, with those on standard input in place of `-`.
fn names(what: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    let mut names = Vec::new();
    for name in what {
        if name != Path::new("-") {
            names.push(name.clone());
            continue;
        }
        let mut list = Vec::new();
        std::io::stdin().lock().read_to_end(&mut list)?;
        if list.contains(&0) {
            return Err(CommandError::new(
                Exit::Usage,
                "standard input is not a list; expected a file, folder or URL on each line",
            ));
        }
        names.extend(names_in_list(&list));
    }
    match names.is_empty() {
        true => Err(CommandError::new(
            Exit::Usage,
            "the list on standard input is empty; expected a file, folder or URL on each line",
        )),
        false => Ok(names),
    }
}

fn formats(args: &TranscribeArgs) -> Vec<Format> {
    match FormatSelection::distinct(&args.formats) {
        formats if formats.is_empty() => vec![Format::Txt],
        formats => formats,
    }
}

/// One call: its recordings in the queue, and what was delivered of them.
struct Call<'a> {
    session: &'a Session,
    queue: &'a TranscribeQueue<'a>,
    delivery: Delivery<'a>,
    printer: Printer,
    delivered: HashSet<JobId>,
    /// First error of standard output. Paid transcripts are collected nevertheless.
    broken_output: Option<CommandError>,
}

impl Call<'_> {
    /// Delivers what is done already, and runs the pipeline for the others.
    async fn run(&mut self, service: &Service, global: &GlobalArgs) -> Result<Exit, CommandError> {
        let items = self.queue.record().await?;
        self.deliver_done(&items).await?;
        if self.delivered.len() == items.len() {
            return Ok(Exit::Done);
        }
        let key = service.key(self.session)?;
        let display = display::for_run(global, false);
        let last_words = display.clone();
        let stop = stop_on_signal(move || last_words.last_words())?;
        let Some(lock) = wait_for_lock(&self.session.config.state.dir, &stop).await? else {
            return Ok(Exit::SomeFailed);
        };
        // Another call may have ended since, with some of these recordings or without.
        let items = self.queue.record().await?;
        self.queue.cancel_others(&items).await?;
        let wanted = items.iter().map(|item| item.job.id).collect();
        let following = display.follow(&self.session.config, &self.session.environment);
        let summary = self.run_locked(&lock, &wanted, key, &display, stop);
        let summary = summary.await;
        drop(following);
        display.finish();
        let summary = summary?;
        display.summarize(&summary);
        self.deliver_all(&items).await?;
        Ok(match items.len() - self.delivered.len() {
            0 => Exit::Done,
            left => {
                self.printer.left(left);
                match exit_code(&summary) {
                    Exit::Held => Exit::Held,
                    _ => Exit::SomeFailed,
                }
            }
        })
    }

    /// Runs the pipeline, and delivers each transcript when it is done.
    async fn run_locked(
        &mut self,
        lock: &Lock,
        wanted: &HashSet<JobId>,
        key: SecretString,
        display: &Arc<RunDisplay>,
        stop: CancellationToken,
    ) -> Result<Summary, CommandError> {
        let (sender, mut done) = mpsc::unbounded_channel();
        let setup = Setup {
            config: self.queue.run_config(),
            key,
            mode: Mode::Queued,
            until: None,
            limit: None,
            only: None,
            clock: Arc::new(SystemClock),
            observer: Arc::new(DoneObserver {
                display: display.clone(),
                done: sender,
            }),
            channels: Channels::default(),
            stop,
            reload: Reload::default(),
        };
        let run = pipeline::run_locked(setup, lock);
        tokio::pin!(run);
        loop {
            tokio::select! {
                ended = &mut run => return Ok(ended?),
                Some(job) = done.recv() => {
                    if !wanted.contains(&job) {
                        continue;
                    }
                    let items = self.queue.store().items_of(&[job]).await.unwrap_or_default();
                    // An error ends no run. It is reported when all items are delivered at the end.
                    let _later = self.deliver_done(&items).await;
                }
            }
        }
    }

    /// Delivers those of the items that are done and were not delivered.
    async fn deliver_done(&mut self, items: &[Item]) -> Result<(), CommandError> {
        for item in items {
            if item.state == JobState::Done {
                self.deliver(item).await?;
            }
        }
        Ok(())
    }

    /// Delivers what was not delivered, and reports what has no transcript.
    async fn deliver_all(&mut self, items: &[Item]) -> Result<(), CommandError> {
        let jobs: Vec<_> = items.iter().map(|item| item.job.id).collect();
        for item in self.queue.store().items_of(&jobs).await? {
            self.deliver(&item).await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, item: &Item) -> Result<(), CommandError> {
        if self.delivered.contains(&item.job.id) {
            return Ok(());
        }
        let outcome = self.delivery.deliver(item).await?;
        if let TranscribeOutcome::Done(_) = outcome {
            self.delivered.insert(item.job.id);
        }
        if let Err(error) = self.printer.outcome(item, outcome) {
            self.broken_output.get_or_insert(error);
        }
        Ok(())
    }
}

/// Takes the lock on the queue. While another call holds it, waits and says so once. Returns `None` after a signal.
async fn wait_for_lock(
    folder: &Path,
    stop: &CancellationToken,
) -> Result<Option<Lock>, CommandError> {
    let mut is_first = true;
    loop {
        match Lock::take(folder) {
            Ok(lock) => return Ok(Some(lock)),
            Err(LockError::Held { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if std::mem::replace(&mut is_first, false) {
            print_line("another `nightscribe transcribe` is running; waiting for its end");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(LOCK_RETRY) => {}
        }
    }
}

/// Observer of the run that also passes on the jobs that are done.
struct DoneObserver {
    display: Arc<RunDisplay>,
    done: mpsc::UnboundedSender<JobId>,
}

impl Observer for DoneObserver {
    fn on_event(&self, event: &RunEvent) {
        self.display.on_event(event);
        if let RunEvent::Done { job, .. } = event {
            // Nobody receives it after the run.
            let _ended = self.done.send(*job);
        }
    }
}
