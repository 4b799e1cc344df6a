//! Rendering of a snapshot for any terminal size.

use super::controls::Controls;
use super::line::{StyledLine, justify, pad, wrap};
use crate::app::live::wait_text::wait_text;
use crate::app::live::{FailedItem, InFlightItem, LiveSnapshot};
use crate::app::status::Runner;
use crate::cli::fit::{shorten_middle, truncate_end};
use crate::cli::forecast_text::Estimate;
use crate::cli::terminal::{
    DIM, ERROR, escape_control_chars, format_duration, format_time, printable_path,
};
use crate::domain::{Hold, JobState, Timestamp};
use anstyle::Style;
use jiff::tz::TimeZone;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
/// Rows that each section gets before another section gets more.
const MIN_ROWS: usize = 3;
/// Minimum height in lines for empty lines between sections.
const SPACED_HEIGHT: usize = 16;
/// Maximum width of a row in columns. Longer rows are hard to read.
const MAX_ROW_WIDTH: usize = 110;
/// Minimum width of a name next to other text, in columns.
const MIN_NAME_WIDTH: usize = 12;
/// Columns between a name and the text to its right.
const GAP: usize = 2;

/// Snapshot with the time zone in which its times are shown.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) snapshot: LiveSnapshot,
    pub(super) zone: TimeZone,
}

impl Scene {
    fn clock(&self, time: Timestamp) -> String {
        format_time(time, self.snapshot.now, &self.zone)
    }
}

/// Heading with its rows.
struct ViewSection {
    heading: StyledLine,
    rows: Vec<StyledLine>,
    /// Total number of entries, including those not in `rows`.
    total: u64,
}

/// Renders a snapshot to `width` columns and at most `height` lines, or in full without `height`. The last line explains the keys.
/// Scrolling ends at the last line.
pub(super) fn render(
    scene: &Scene,
    controls: &mut Controls,
    width: usize,
    height: Option<usize>,
) -> Vec<StyledLine> {
    let Some(height) = height else {
        return overview(scene, width, None);
    };
    let body = height.saturating_sub(1);
    let mut lines = match controls.is_overview() {
        true => overview(scene, width, Some(body)),
        false => selection(scene, controls, width, body),
    };
    if body > 0 {
        lines.resize(body, StyledLine::new(PLAIN, ""));
        lines.push(StyledLine::new(
            DIM,
            truncate_end(&controls.footer(), width),
        ));
    }
    lines
}

/// Renders what is chosen, below the head.
fn selection(
    scene: &Scene,
    controls: &mut Controls,
    width: usize,
    height: usize,
) -> Vec<StyledLine> {
    let mut lines = head(scene, width);
    lines.truncate((height / 2).max(MIN_ROWS));
    let mut chosen = Vec::new();
    if !controls.only_failed {
        if controls.filter.is_empty() {
            chosen.push(waiting(scene, width));
        }
        chosen.push(in_flight(scene, controls, width));
    }
    chosen.push(failed(scene, controls, width));
    let mut rows = Vec::new();
    for mut section in chosen {
        rows.extend(section.take(section.wanted(), 1, width));
    }
    if rows.is_empty() {
        rows = ["", "nothing to show"]
            .map(|text| StyledLine::new(DIM, text))
            .into();
    }
    let room = height.saturating_sub(lines.len());
    controls.scroll = controls.scroll.min(rows.len().saturating_sub(room));
    lines.extend(rows.into_iter().skip(controls.scroll).take(room));
    lines
}

/// Renders everything from its beginning.
fn overview(scene: &Scene, width: usize, height: Option<usize>) -> Vec<StyledLine> {
    let all = Controls::default();
    let mut lines = head(scene, width);
    if let Some(height) = height {
        lines.truncate((height / 2).max(MIN_ROWS));
    }
    lines.extend(
        scene
            .snapshot
            .holds
            .iter()
            .flat_map(|hold| hold_lines(scene, hold, width)),
    );
    let sections = [
        waiting(scene, width),
        in_flight(scene, &all, width),
        failed(scene, &all, width),
    ];
    let mut sections: Vec<_> = sections
        .into_iter()
        .filter(|section| !section.rows.is_empty())
        .collect();
    let gap = usize::from(height.is_none_or(|height| height >= SPACED_HEIGHT));
    let available = height.map(|height| height.saturating_sub(lines.len()));
    let rows = share(
        &sections.iter().map(ViewSection::wanted).collect::<Vec<_>>(),
        1 + gap,
        available,
    );
    for (section, rows) in sections.iter_mut().zip(rows) {
        lines.extend(section.take(rows, gap, width));
    }
    if let Some(height) = height {
        lines.truncate(height);
    }
    lines
}

/// Distributes `available` lines among the sections and returns the rows of each.
///
/// A section with rows also takes `heading` lines for its heading.
fn share(wanted: &[usize], heading: usize, available: Option<usize>) -> Vec<usize> {
    let Some(mut available) = available else {
        return wanted.to_vec();
    };
    let mut given = vec![0; wanted.len()];
    for most in [1, MIN_ROWS, usize::MAX] {
        for (given, wanted) in given.iter_mut().zip(wanted) {
            let heading = if *given == 0 { heading } else { 0 };
            let more = (*wanted).min(most).saturating_sub(*given);
            let more = more.min(available.saturating_sub(heading));
            if more > 0 {
                *given += more;
                available -= more + heading;
            }
        }
    }
    given
}

impl ViewSection {
    /// Returns the number of rows needed to show everything.
    fn wanted(&self) -> usize {
        self.rows.len() + usize::from(self.total > self.rows.len() as u64)
    }

    /// Takes up to `rows` rows, with `gap` empty lines and the heading. The last row counts the entries left out.
    fn take(&mut self, rows: usize, gap: usize, width: usize) -> Vec<StyledLine> {
        if rows == 0 {
            return Vec::new();
        }
        let is_all = rows >= self.wanted();
        let shown = if is_all {
            self.rows.len()
        } else {
            rows.max(2) - 1
        };
        let mut lines = vec![StyledLine::new(PLAIN, ""); gap];
        lines.push(StyledLine::new(
            self.heading.style,
            truncate_end(&self.heading.text, width),
        ));
        lines.extend(self.rows.drain(..shown));
        let more = self.total.saturating_sub(shown as u64);
        if more > 0 && rows > 1 {
            lines.push(StyledLine::new(
                DIM,
                truncate_end(&format!("  … and {more} more"), width),
            ));
        }
        lines
    }
}

/// Renders the title, counts and figures. The most important come first, since a small terminal shows only the start.
fn head(scene: &Scene, width: usize) -> Vec<StyledLine> {
    let mut lines = vec![StyledLine::new(BOLD, title(scene, width))];
    let counts = wrap(&counts(scene), " · ", width).into_iter();
    lines.extend(counts.map(|line| StyledLine::new(PLAIN, line)));
    let figures = wrap(&figures(scene), " · ", width).into_iter();
    lines.extend(figures.map(|line| StyledLine::new(PLAIN, line)));
    lines
}

fn title(scene: &Scene, width: usize) -> String {
    let time = scene.clock(scene.snapshot.now);
    let (runner, process) = match scene.snapshot.runner {
        Some(Runner { pid, since }) => {
            let since = scene.clock(since);
            (
                format!("running since {since}"),
                format!(" (process {pid})"),
            )
        }
        None => ("not running".to_owned(), String::new()),
    };
    let name = "nightscribe";
    let full = justify(name, &format!("{runner}{process} · {time}"), width);
    if full == name {
        justify(name, &format!("{runner} · {time}"), width)
    } else {
        full
    }
}

/// Formats the counts by state. Omits cancelled items, and empty states other than queued, pending and done.
fn counts(scene: &Scene) -> Vec<String> {
    let is_shown = |state: &JobState| {
        matches!(state, JobState::Queued | JobState::Pending | JobState::Done)
            || *state != JobState::Cancelled && scene.snapshot.count(*state) > 0
    };
    let states = JobState::ALL.into_iter().filter(is_shown);
    states
        .map(|state| format!("{} {state}", scene.snapshot.count(state)))
        .collect()
}

fn figures(scene: &Scene) -> Vec<String> {
    let snapshot = &scene.snapshot;
    let mut figures = Vec::new();
    let estimate = Estimate {
        left_s: snapshot.left_s,
        when_run_s: snapshot.when_run_s,
        opens_at: snapshot.opens_at,
    };
    figures.extend(estimate.text(snapshot.now, &scene.zone));
    figures.extend(snapshot.next_expiry.map(|expiry| {
        if expiry > snapshot.now {
            let left = format_duration(expiry.since(snapshot.now));
            format!("the first expires in {left}")
        } else {
            "the first has expired, unless the service still has it".to_owned()
        }
    }));
    if let Some(throughput) = snapshot.throughput {
        let (audio, files) = (throughput.audio_per_minute, throughput.files_per_hour);
        figures.push(format!("{audio:.1} min of audio per minute"));
        figures.push(format!("{files:.0} files per hour"));
    }
    if snapshot.perhaps_paid > 0 {
        let count = snapshot.perhaps_paid;
        figures.push(format!("{count} possibly billed without a transcript"));
    }
    figures
}

fn hold_lines(scene: &Scene, hold: &Hold, width: usize) -> Vec<StyledLine> {
    let since = scene.clock(hold.since);
    let (reason, message) = (hold.kind.reason(), escape_control_chars(&hold.message));
    let held = format!("HELD since {since}: {reason}: {message}");
    vec![
        StyledLine::new(PLAIN, ""),
        StyledLine::new(ERROR, truncate_end(&held, width)),
        StyledLine::new(PLAIN, truncate_end(hold.kind.advice(), width)),
    ]
}

fn waiting(scene: &Scene, width: usize) -> ViewSection {
    let waits = &scene.snapshot.waiting;
    let rows = waits.iter().map(|wait| {
        let more = if wait.is_lower_bound { "+" } else { " " };
        let reason = wait_text(wait, scene.snapshot.now, &scene.zone);
        let line = format!("{:>8}{more} {}", wait.count, escape_control_chars(&reason));
        StyledLine::new(PLAIN, truncate_end(&line, width))
    });
    ViewSection {
        heading: StyledLine::new(BOLD, "WAITING"),
        rows: rows.collect(),
        total: waits.len() as u64,
    }
}

fn in_flight(scene: &Scene, controls: &Controls, width: usize) -> ViewSection {
    let snapshot = &scene.snapshot;
    let rows_of = |state: &'static str, items: &[InFlightItem]| -> Vec<_> {
        let shown = items
            .iter()
            .filter(|one| controls.shows(&printable_path(&one.relative)));
        shown
            .map(|one| in_flight_row(scene, state, one, width))
            .collect()
    };
    let mut rows = rows_of("sending", &snapshot.sending);
    rows.extend(rows_of("pending", &snapshot.pending));
    let total = snapshot.count(JobState::Submitting) + snapshot.count(JobState::Pending);
    ViewSection {
        heading: StyledLine::new(BOLD, "IN FLIGHT"),
        total: total_of(controls, &rows, total),
        rows,
    }
}

/// Returns the number of entries that a section has. Those that the filter hides are not counted.
fn total_of(controls: &Controls, rows: &[StyledLine], total: u64) -> u64 {
    match controls.filter.is_empty() {
        true => total,
        false => rows.len() as u64,
    }
}

/// Renders an in-flight item: state, age, name, duration or size, and time until it expires.
fn in_flight_row(scene: &Scene, state: &str, one: &InFlightItem, width: usize) -> StyledLine {
    let age = format_duration(scene.snapshot.now.since(one.since));
    let left = format!("  {state} {age:>7}  ");
    let size = match one.duration_s {
        Some(seconds) => format!(
            "{} long",
            format_duration(Duration::from_secs_f64(seconds.max(0.0)))
        ),
        None if one.size_bytes > 0 => indicatif::HumanBytes(one.size_bytes).to_string(),
        None => String::new(),
    };
    let expiry = one.expires_at.map(|expiry| {
        if expiry > scene.snapshot.now {
            format!(
                "expires in {}",
                format_duration(expiry.since(scene.snapshot.now))
            )
        } else {
            "has expired".to_owned()
        }
    });
    let name = printable_path(&one.relative);
    match expiry {
        Some(expiry) => named(&left, &name, &[joined(&size, &expiry), expiry], width),
        None => named(&left, &name, &[size], width),
    }
}

fn joined(size: &str, expiry: &str) -> String {
    if size.is_empty() {
        expiry.to_owned()
    } else {
        format!("{size}, {expiry}")
    }
}

fn failed(scene: &Scene, controls: &Controls, width: usize) -> ViewSection {
    let shown = scene.snapshot.failures.iter();
    let shown = shown.filter(|one| controls.shows(&printable_path(&one.relative)));
    let rows: Vec<_> = shown.map(|one| failure(scene, one, width)).collect();
    ViewSection {
        heading: StyledLine::new(ERROR, "RECENT FAILURES"),
        total: total_of(controls, &rows, scene.snapshot.count(JobState::Failed)),
        rows,
    }
}

fn failure(scene: &Scene, one: &FailedItem, width: usize) -> StyledLine {
    let at = scene.clock(one.at);
    let left = format!("  {at}  ");
    // The name gets at most half of the width, so that the reason is visible.
    let name_width = width.saturating_sub(left.width()) / 2;
    let name = shorten_middle(&printable_path(&one.relative), name_width);
    let reason = escape_control_chars(&one.failure.to_string());
    let text = format!("{left}{name} ({}): {reason}", one.item);
    StyledLine::new(PLAIN, truncate_end(&text, width))
}

/// Renders a row with text to the left and right of a name.
///
/// Uses the first of `rights` that leaves space for the full name. Otherwise uses the last one and truncates the name.
/// Omits the right text if that would leave less than [`MIN_NAME_WIDTH`] columns for the name.
fn named(left: &str, name: &str, rights: &[String], width: usize) -> StyledLine {
    let width = width.min(MAX_ROW_WIDTH);
    let available = width.saturating_sub(left.width());
    let fits = |right: &&String| name.width() + GAP + right.width() <= available;
    let right = rights.iter().find(fits).or(rights.last());
    let right = right.filter(|right| MIN_NAME_WIDTH + GAP + right.width() <= available);
    let text = match right {
        Some(right) => {
            let name_width = available - GAP - right.width();
            let name = pad(&shorten_middle(name, name_width), name_width);
            format!("{left}{name}  {right}")
        }
        None => format!("{left}{}", shorten_middle(name, available)),
    };
    StyledLine::new(PLAIN, truncate_end(text.trim_end(), width))
}

#[cfg(test)]
mod tests;
