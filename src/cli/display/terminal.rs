//! Progress of a run on a terminal: a line of counts, a bar for each upload, and messages above them.

use super::estimate::Estimate;
use crate::cli::terminal::{ERROR, GOOD, WARN, escaped, length, shown, visible};
use crate::domain::{JobId, JobState};
use crate::pipeline::event::{Event, Observer, Scan};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Progress bars of this process. Hidden without a terminal.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Redraw interval of the progress bars.
const REDRAW: Duration = Duration::from_millis(200);

/// Writer to standard error that keeps the progress bars below the output.
pub(in crate::cli) struct Above;

impl Above {
    /// Creates a writer for the log.
    pub(in crate::cli) const fn new() -> Self {
        Self
    }
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = escaped(&String::from_utf8_lossy(bytes));
        BARS.suspend(|| io::stderr().lock().write_all(line.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Prints a line above the progress bars. Ignores a closed standard error.
pub(in crate::cli) fn say(line: &str) {
    let _closed = BARS.suspend(|| writeln!(anstream::stderr().lock(), "{line}"));
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
    estimate: Estimate,
    done: u64,
    failed: u64,
    /// Seconds of audio received.
    audio_s: f64,
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
    pub(in crate::cli) fn end(&self) {
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
        let [queued, sending, pending, received] = [
            JobState::Queued,
            JobState::Submitting,
            JobState::Pending,
            JobState::Received,
        ]
        .map(|state| counts[&state]);
        let left = queued + sending + pending + received;
        let now = self.started.elapsed();
        let estimated = state.estimate.take_in(now, state.done, state.audio_s, left);
        let mut parts = vec![format!("{} done", state.done)];
        if state.failed > 0 {
            parts.push(format!("{} failed", state.failed));
        }
        parts.push(format!("{queued} queued"));
        if sending > 0 {
            parts.push(format!("{sending} sending"));
        }
        parts.push(format!("{pending} pending"));
        let (left, audio) = (estimated.left, estimated.audio);
        parts.extend(left.map(|left| format!("{} left", length(left))));
        parts.extend(audio.map(|audio| format!("{audio:.1}× real time")));
        parts.extend(expires_in.map(|time| format!("the first expires in {}", length(time))));
        self.line.set_message(parts.join(" · "));
    }

    fn scanned(source: &str, scan: &Scan) {
        if scan.new + scan.changed > 0 {
            say(&format!(
                "{source}: {} new, {} changed of {} recordings",
                scan.new, scan.changed, scan.found
            ));
        }
        if scan.unsettled > 0 {
            say(&format!(
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

impl Observer for TerminalDisplay {
    fn notice(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Scanned { source, scan } => Self::scanned(source, scan),
            Event::SourceGone {
                source,
                path,
                reason,
            } => {
                say(&format!(
                    "{WARN}{source} is missing{WARN:#}: {}: {}; its items wait",
                    shown(path),
                    visible(reason)
                ));
            }
            Event::NotWatched { path, reason, .. } => say(&format!(
                "{WARN}cannot watch{WARN:#} {}: {}; the next scan finds new recordings",
                shown(path),
                visible(reason)
            )),
            Event::ScanProblem { path, reason, .. } => {
                say(&format!(
                    "{WARN}skipped{WARN:#} {}: {}",
                    shown(path),
                    visible(reason)
                ));
            }
            Event::Sending {
                job,
                name,
                size_bytes,
                progress,
            } if *size_bytes > 0 => {
                let bar = upload_bar(&shown(name), *size_bytes);
                state.uploads.insert(*job, bar.clone());
                let progress = progress.clone();
                tokio::spawn(async move {
                    while !bar.is_finished() {
                        bar.set_position(progress.sent());
                        tokio::time::sleep(REDRAW).await;
                    }
                });
            }
            Event::Sent { job } => {
                if let Some(bar) = state.uploads.remove(job) {
                    bar.finish_and_clear();
                }
            }
            Event::Done { name, silent, .. } => {
                state.done += 1;
                let silent = if *silent { " (no speech)" } else { "" };
                say(&format!("{GOOD}done{GOOD:#}   {}{silent}", shown(name)));
            }
            Event::Failed { name, failure, .. } => {
                state.failed += 1;
                say(&format!(
                    "{ERROR}failed{ERROR:#} {}: {}",
                    shown(name),
                    visible(&failure.to_string())
                ));
            }
            Event::NotWritten { name, failure, .. } => {
                let reason = visible(&failure.message);
                say(&format!(
                    "{WARN}not written{WARN:#} {}: {reason}; its result is stored",
                    shown(name)
                ));
            }
            Event::Held { hold } => {
                let (message, advice) = (visible(&hold.message), hold.kind.advice());
                say(&format!(
                    "{WARN}held{WARN:#} ({}): {message}\n  {advice}",
                    hold.kind
                ));
            }
            Event::Released { kind } => {
                say(&format!("{GOOD}resumed{GOOD:#}: no longer held ({kind})"))
            }
            Event::PassedOver { span } => say(&format!("the machine slept for {}", length(*span))),
            Event::Hours { opening } => say(&opening.to_string()),
            Event::SlowedDown {
                failure,
                until,
                now,
            } => {
                let wait = length(until.since(*now));
                say(&format!(
                    "{WARN}pausing{WARN:#} for {wait}: {}",
                    visible(&failure.to_string())
                ));
            }
            Event::StoreTrouble { reason } => say(&format!(
                "{ERROR}cannot write to the database{ERROR:#}: {}",
                visible(reason)
            )),
            Event::Received { audio_s, .. } => state.audio_s += audio_s.unwrap_or(0.0),
            Event::Tick {
                counts,
                next_expiry,
                now,
            } => {
                let expires_in = next_expiry.map(|expiry| expiry.since(*now));
                self.counts(&mut state, counts, expires_in);
            }
            Event::Stopping => self.line.set_message(
                "waiting for in-flight requests; press Ctrl-C again to exit immediately",
            ),
            _ => {}
        }
    }
}
