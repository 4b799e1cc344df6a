//! Progress of a run on a terminal: a bar of the audio, a line of counts, a bar for each upload, what is transcribed, and messages
//! above them.

use super::event_text::{NAME_REJECTED, imported};
use super::run_lines::{self, RunCounts};
use crate::app::run_progress::RunProgress;
use crate::cli::fit::shorten_middle;
use crate::cli::journal::{Priority, prioritized};
use crate::cli::terminal::{
    DIM, ERROR, SUCCESS, WARN, escape_control_chars, escape_json, format_duration, printable_path,
    terminal_width,
};
use crate::domain::{JobId, JobState, Timestamp};
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::provider::UploadProgress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Progress bars of this process. Hidden without a terminal.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Redraw interval of the progress bars.
const REDRAW: Duration = Duration::from_millis(200);

/// Writer of log messages to standard error that keeps the progress bars below the output.
///
/// Ignores a closed standard error: a daemon goes on after its terminal is gone.
pub(in crate::cli) struct AboveBarsWriter {
    priority: Priority,
}

impl AboveBarsWriter {
    /// Creates a writer of messages with this priority.
    pub(in crate::cli) const fn new(priority: Priority) -> Self {
        Self { priority }
    }
}

impl Write for AboveBarsWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let message = escape_json(&String::from_utf8_lossy(bytes));
        let message = prioritized(&message, self.priority);
        let _closed = BARS.suspend(|| io::stderr().lock().write_all(message.as_bytes()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints a line above the progress bars. Ignores a closed standard error.
pub(in crate::cli) fn print_line(line: &str) {
    let _closed = BARS.suspend(|| writeln!(anstream::stderr().lock(), "{line}"));
}

/// Writes a result to standard output while the progress bars are hidden.
///
/// # Errors
/// If standard output cannot be written.
pub(in crate::cli) fn print_result(text: &str) -> io::Result<()> {
    BARS.suspend(|| {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    })
}

/// Prints a warning above the progress bars.
pub(in crate::cli) fn print_warning(message: &str) {
    print_line(&format!("{WARN}warning{WARN:#} {message}"));
}

/// Steps of the bar of the audio.
const BAR_STEPS: u64 = 1000;
/// Columns of the line of an upload without the name.
const UPLOAD_WIDTH: usize = 52;
/// Bytes that are read of a transcript for its first sentence.
const SENTENCE_BYTES: u64 = 1024;

/// Progress display on a terminal.
pub(in crate::cli) struct TerminalDisplay {
    /// Bar of the audio. Shown when the progress is known.
    audio: ProgressBar,
    line: ProgressBar,
    pending: ProgressBar,
    state: Mutex<DisplayState>,
    started: Instant,
}

#[derive(Default)]
struct DisplayState {
    uploads: HashMap<JobId, ProgressBar>,
    counts: RunCounts,
    progress: RunProgress,
}

impl TerminalDisplay {
    pub(in crate::cli) fn new() -> Self {
        let audio = ProgressBar::new(BAR_STEPS)
            .with_style(style("{bar:12} {wide_msg}").progress_chars("━╸ "));
        let audio = BARS.add(audio);
        let line = BARS.add(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}")));
        line.enable_steady_tick(REDRAW);
        let pending = BARS.add(ProgressBar::new_spinner().with_style(style("{msg}")));
        Self {
            audio,
            line,
            pending,
            state: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// Removes the progress bars.
    pub(in crate::cli) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .uploads
            .drain()
            .for_each(|(_, bar)| bar.finish_and_clear());
        for bar in [&self.audio, &self.line, &self.pending] {
            bar.finish_and_clear();
        }
    }

    /// Shows the progress that was loaded at `now`.
    pub(in crate::cli) fn show(&self, progress: RunProgress, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.line.is_finished() {
            return;
        }
        state.counts.elapsed = self.started.elapsed();
        let share = run_lines::share(&state.counts, &progress);
        self.audio.set_position((share * BAR_STEPS as f64) as u64);
        self.audio
            .set_message(run_lines::totals(&state.counts, &progress));
        let pending = run_lines::pending(&progress, now, terminal_width());
        self.pending.set_message(pending.join("\n"));
        state.progress = progress;
    }

    /// Prints the totals of the run, and what to do about failures. `transcripts` tells where the transcripts are.
    pub(in crate::cli) fn summarize(&self, failed: u64, transcripts: Option<&str>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.counts.elapsed = self.started.elapsed();
        for line in run_lines::ending(&state.counts, &state.progress, failed, transcripts) {
            print_line(&line);
        }
    }

    fn counts(
        &self,
        state: &mut DisplayState,
        counts: &BTreeMap<JobState, u64>,
        expires_in: Option<Duration>,
    ) {
        state.counts.elapsed = self.started.elapsed();
        self.line
            .set_message(run_lines::counts(&state.counts, counts, expires_in));
    }

    fn upload_started(
        &self,
        state: &mut DisplayState,
        job: JobId,
        bar: (&Path, u64),
        progress: &Arc<UploadProgress>,
    ) {
        let (name, size_bytes) = bar;
        if size_bytes > 0 {
            let bar = BARS.insert_before(&self.pending, upload_bar(size_bytes));
            state.uploads.insert(job, bar.clone());
            follow(bar, printable_path(name), progress.clone());
        }
    }

    fn scanned(source: &str, scan: &ScanSummary) {
        if scan.new + scan.changed > 0 {
            print_line(&format!(
                "{source}: {} new, {} changed of {} recordings",
                scan.new, scan.changed, scan.found
            ));
        }
        if scan.unsettled > 0 {
            print_line(&format!(
                "{source}: {} changed recently, left for a later scan",
                scan.unsettled
            ));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn upload_bar(size_bytes: u64) -> ProgressBar {
    let template = "  {bar:8} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12}  {wide_msg}";
    ProgressBar::new(size_bytes).with_style(style(template).progress_chars("━╸ "))
}

/// Moves a bar with its upload.
fn follow(bar: ProgressBar, name: String, progress: Arc<UploadProgress>) {
    tokio::spawn(async move {
        while !bar.is_finished() {
            let width = terminal_width().saturating_sub(UPLOAD_WIDTH);
            bar.set_message(shorten_middle(&name, width));
            bar.set_position(progress.sent());
            tokio::time::sleep(REDRAW).await;
        }
    });
}

/// Returns the beginning of a transcript. The file was written a moment ago, so it is in memory.
fn first_sentence(outputs: &[PathBuf]) -> Option<String> {
    let text = outputs
        .iter()
        .find(|file| file.extension().is_some_and(|end| end == "txt"))?;
    let mut bytes = Vec::new();
    let file = File::open(text).ok()?;
    file.take(SENTENCE_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    Some(escape_control_chars(line.trim()))
}

fn done_line(name: &Path, outputs: &[PathBuf], silent: bool) -> String {
    let sentence = match silent {
        true => Some("(no speech)".to_owned()),
        false => first_sentence(outputs),
    };
    let width = terminal_width().saturating_sub("done   ".len());
    let (name, sentence) = run_lines::transcript(&printable_path(name), sentence.as_deref(), width);
    let gap = " ".repeat(if sentence.is_empty() {
        0
    } else {
        run_lines::GAP
    });
    format!("{SUCCESS}done{SUCCESS:#}   {name}{gap}{DIM}{sentence}{DIM:#}")
}

impl Observer for TerminalDisplay {
    fn on_event(&self, event: &RunEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::Scanned { source, scan } => Self::scanned(source, scan),
            RunEvent::SourceMissing {
                source,
                path,
                reason,
            } => {
                print_line(&format!(
                    "{WARN}{source} is missing{WARN:#}: {}: {}; its items wait",
                    printable_path(path),
                    escape_control_chars(reason)
                ));
            }
            RunEvent::NotWatched { path, reason, .. } => print_line(&format!(
                "{WARN}cannot watch{WARN:#} {}: {}; the next scan finds new recordings",
                printable_path(path),
                escape_control_chars(reason)
            )),
            RunEvent::ScanProblem { path, reason, .. } => {
                print_line(&format!(
                    "{WARN}skipped{WARN:#} {}: {}",
                    printable_path(path),
                    escape_control_chars(reason)
                ));
            }
            RunEvent::Imported { count } => print_line(&imported(*count)),
            RunEvent::UploadStarted {
                job,
                name,
                size_bytes,
                progress,
            } => self.upload_started(&mut state, *job, (name, *size_bytes), progress),
            RunEvent::UploadEnded { job } => {
                if let Some(bar) = state.uploads.remove(job) {
                    bar.finish_and_clear();
                }
            }
            RunEvent::Done {
                name,
                outputs,
                silent,
                ..
            } => {
                state.counts.done += 1;
                print_line(&done_line(name, outputs, *silent));
            }
            RunEvent::SetAside { name, kept, .. } => {
                state.counts.done += 1;
                print_line(&format!(
                    "{SUCCESS}done{SUCCESS:#}   {}: the earlier transcript (item {kept}) is better and stays",
                    printable_path(name)
                ));
            }
            RunEvent::EditKept { file, .. } => print_line(&format!(
                "{WARN}kept{WARN:#}   {}: it was edited; the new transcript is {}",
                printable_path(&file.path),
                printable_path(&file.new)
            )),
            RunEvent::NameRejected { rejected, written } => print_line(&format!(
                "{WARN}renamed{WARN:#} {} to {}: {NAME_REJECTED}",
                printable_path(rejected),
                printable_path(written)
            )),
            RunEvent::Warned { name, warnings, .. } => {
                for warning in warnings {
                    print_line(&format!(
                        "{WARN}warning{WARN:#} {}: {warning}",
                        printable_path(name)
                    ));
                }
            }
            RunEvent::OverBudget { name, failure, .. } => print_line(&format!(
                "{WARN}waits for the budget{WARN:#} {}: {}",
                printable_path(name),
                escape_control_chars(&failure.message)
            )),
            RunEvent::Skipped { name, failure, .. } => print_line(&format!(
                "excluded {}: {}",
                printable_path(name),
                escape_control_chars(&failure.message)
            )),
            RunEvent::Failed { job, name, failure } => {
                state.counts.failed += 1;
                print_line(&format!(
                    "{ERROR}failed{ERROR:#} {} (item {job}): {}",
                    printable_path(name),
                    escape_control_chars(&failure.to_string())
                ));
            }
            RunEvent::OutputFailed { name, failure, .. } => {
                let reason = escape_control_chars(&failure.message);
                print_line(&format!(
                    "{WARN}not written{WARN:#} {}: {reason}; its result is stored",
                    printable_path(name)
                ));
            }
            RunEvent::Held { hold } => {
                let (message, advice) = (escape_control_chars(&hold.message), hold.kind.advice());
                print_line(&format!(
                    "{WARN}held{WARN:#} ({}): {message}\n  {advice}",
                    hold.kind
                ));
            }
            RunEvent::Released { kind } => print_line(&format!(
                "{SUCCESS}resumed{SUCCESS:#}: no longer held ({kind})"
            )),
            RunEvent::SourceReleased { source } => print_line(&format!(
                "{SUCCESS}resumed{SUCCESS:#}: source {} is no longer held",
                escape_control_chars(source)
            )),
            RunEvent::ClockJumped { span } => {
                print_line(&format!("the machine slept for {}", format_duration(*span)))
            }
            RunEvent::WindowChanged { opening } => print_line(&opening.to_string()),
            RunEvent::ModelPaused { model, failure } => print_line(&format!(
                "{WARN}waiting{WARN:#} with recordings for {}: {}",
                escape_control_chars(model),
                escape_control_chars(&failure.to_string())
            )),
            RunEvent::ModelResumed { model } => print_line(&format!(
                "{SUCCESS}resumed{SUCCESS:#}: {}",
                escape_control_chars(model)
            )),
            RunEvent::SlowedDown {
                failure,
                until,
                now,
            } => {
                let wait = format_duration(until.since(*now));
                print_line(&format!(
                    "{WARN}pausing{WARN:#} for {wait}: {}",
                    escape_control_chars(&failure.to_string())
                ));
            }
            RunEvent::StoreUnavailable { reason } => print_line(&format!(
                "{ERROR}cannot write to the database{ERROR:#}: {}",
                escape_control_chars(reason)
            )),
            RunEvent::Received { audio_s, .. } => {
                state.counts.audio_s += audio_s.unwrap_or(0.0);
            }
            RunEvent::Tick {
                counts,
                next_expiry,
                now,
            } => {
                let expires_in = next_expiry.map(|expiry| expiry.since(*now));
                self.counts(&mut state, counts, expires_in);
            }
            RunEvent::Unreachable { problem } => print_line(&format!(
                "{ERROR}unreachable{ERROR:#}: {}\n  {}",
                escape_control_chars(&problem.message()),
                problem.advice()
            )),
            RunEvent::Stopping => self.line.set_message(
                "waiting for in-flight requests; press Ctrl-C again to exit immediately",
            ),
            _ => {}
        }
    }
}
