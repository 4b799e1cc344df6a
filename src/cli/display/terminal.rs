//! Progress of a run on a terminal: a line of counts, a bar for each upload, and messages above them.

use super::estimate::{Left, ThroughputEstimator};
use super::event_text::{NAME_REJECTED, imported};
use crate::cli::journal::{Priority, prioritized};
use crate::cli::terminal::{
    ERROR, SUCCESS, WARN, escape_control_chars, escape_json, format_duration, printable_path,
};
use crate::domain::{JobId, JobState};
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::provider::UploadProgress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
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
    print_line(&format!("{WARN}{message}{WARN:#}"));
}

/// Progress display on a terminal.
pub(in crate::cli) struct TerminalDisplay {
    line: ProgressBar,
    state: Mutex<RunProgress>,
    started: Instant,
}

#[derive(Default)]
struct RunProgress {
    uploads: HashMap<JobId, ProgressBar>,
    estimate: ThroughputEstimator,
    done: u64,
    failed: u64,
}

impl TerminalDisplay {
    pub(in crate::cli) fn new() -> Self {
        let line = BARS.add(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}")));
        line.enable_steady_tick(REDRAW);
        Self {
            line,
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
        self.line.finish_and_clear();
    }

    fn counts(
        &self,
        state: &mut RunProgress,
        counts: &BTreeMap<JobState, u64>,
        expires_in: Option<Duration>,
    ) {
        let states = [JobState::Queued, JobState::Submitting, JobState::Pending];
        let [queued, sending, pending] = states.map(|state| counts[&state]);
        let left = Left {
            queued: queued + sending,
            pending,
        };
        let estimated = state.estimate.update(self.started.elapsed(), left);
        let mut parts = vec![format!("{} done", state.done)];
        if state.failed > 0 {
            parts.push(format!("{} failed", state.failed));
        }
        parts.push(format!("{queued} queued"));
        if sending > 0 {
            parts.push(format!("{sending} sending"));
        }
        parts.push(format!("{pending} pending"));
        let (left, audio) = (estimated.time_left, estimated.audio_rate);
        parts.extend(left.map(|left| format!("{} left", format_duration(left))));
        parts.extend(audio.map(|audio| format!("{audio:.1}× real time")));
        parts.extend(
            expires_in.map(|time| format!("the first expires in {}", format_duration(time))),
        );
        self.line.set_message(parts.join(" · "));
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

fn upload_bar(name: &str, size_bytes: u64) -> ProgressBar {
    let bar = BARS.add(ProgressBar::new(size_bytes));
    bar.set_style(
        style("  {bar:20} {bytes:>10} of {total_bytes:<10} {wide_msg}").progress_chars("━╸ "),
    );
    bar.set_message(name.to_owned());
    bar
}

/// Moves a bar with its upload.
fn follow(bar: ProgressBar, progress: Arc<UploadProgress>) {
    tokio::spawn(async move {
        while !bar.is_finished() {
            bar.set_position(progress.sent());
            tokio::time::sleep(REDRAW).await;
        }
    });
}

impl Observer for TerminalDisplay {
    fn on_event(&self, event: &RunEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.started.elapsed();
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
            } => {
                state.estimate.submit(*job, now);
                if *size_bytes > 0 {
                    let bar = upload_bar(&printable_path(name), *size_bytes);
                    state.uploads.insert(*job, bar.clone());
                    follow(bar, progress.clone());
                }
            }
            RunEvent::UploadEnded { job } => {
                if let Some(bar) = state.uploads.remove(job) {
                    bar.finish_and_clear();
                }
            }
            RunEvent::Done { name, silent, .. } => {
                state.done += 1;
                let silent = if *silent { " (no speech)" } else { "" };
                print_line(&format!(
                    "{SUCCESS}done{SUCCESS:#}   {}{silent}",
                    printable_path(name)
                ));
            }
            RunEvent::SetAside { name, kept, .. } => {
                state.done += 1;
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
            RunEvent::Failed { name, failure, .. } => {
                state.failed += 1;
                print_line(&format!(
                    "{ERROR}failed{ERROR:#} {}: {}",
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
            RunEvent::Accepted { .. } | RunEvent::AnswerRecovered { .. } => {
                state.estimate.accept(now)
            }
            RunEvent::Received { job, audio_s, .. } => {
                state.estimate.receive(*job, audio_s.unwrap_or(0.0), now);
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
