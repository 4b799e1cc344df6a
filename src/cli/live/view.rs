//! A scene as lines, for any size of terminal.

use super::line::{Line, apart, cut, cut_front, flow, padded};
use super::scene::Scene;
use super::waits::waits;
use crate::cli::terminal::{DIM, ERROR, GOOD, WARN, clock, length, shown, visible};
use crate::domain::{Hold, JobState};
use crate::store::activity::{Failed, UnderWay};
use crate::store::report::Runner;
use anstyle::Style;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
/// Rows of a section that are shown where room is short, before others get more.
const LEAST: usize = 3;
/// Lines from which on sections are set apart.
const ROOMY: usize = 16;
/// Columns of a row at most: the eye does not follow a longer one.
const ROW: usize = 110;

/// A heading and what is below it.
struct Section {
    heading: Line,
    rows: Vec<Line>,
    /// All that there are, with those that are not among `rows`.
    total: u64,
}

/// What is shown in so many columns and lines; without `height` all of it.
pub(super) fn render(scene: &Scene, width: usize, height: Option<usize>) -> Vec<Line> {
    let mut lines = head(scene, width);
    if let Some(height) = height {
        lines.truncate((height / 2).max(LEAST));
    }
    lines.extend(scene.holds.iter().flat_map(|hold| held(scene, hold, width)));
    let sections = [
        waiting(scene, width),
        under_way(scene, width),
        failed(scene, width),
    ];
    let mut sections: Vec<_> = sections
        .into_iter()
        .filter(|section| !section.rows.is_empty())
        .collect();
    let gap = usize::from(height.is_none_or(|height| height >= ROOMY));
    let room = height.map(|height| height.saturating_sub(lines.len()));
    let rows = share(
        &sections.iter().map(Section::wanted).collect::<Vec<_>>(),
        1 + gap,
        room,
    );
    for (section, rows) in sections.iter_mut().zip(rows) {
        lines.extend(section.take(rows, gap, width));
    }
    if let Some(height) = height {
        lines.truncate(height);
    }
    lines
}

/// How many rows each section gets of `room` lines, of which `heading` go to its heading.
fn share(wanted: &[usize], heading: usize, room: Option<usize>) -> Vec<usize> {
    let Some(mut room) = room else {
        return wanted.to_vec();
    };
    let mut given = vec![0; wanted.len()];
    for most in [1, LEAST, usize::MAX] {
        for (given, wanted) in given.iter_mut().zip(wanted) {
            let heading = if *given == 0 { heading } else { 0 };
            let more = (*wanted).min(most).saturating_sub(*given);
            let more = more.min(room.saturating_sub(heading));
            if more > 0 {
                *given += more;
                room -= more + heading;
            }
        }
    }
    given
}

impl Section {
    /// Rows that would show all of it.
    fn wanted(&self) -> usize {
        self.rows.len() + usize::from(self.total > self.rows.len() as u64)
    }

    /// The last row tells of those that have no place.
    fn take(&mut self, rows: usize, gap: usize, width: usize) -> Vec<Line> {
        if rows == 0 {
            return Vec::new();
        }
        let is_all = rows >= self.wanted();
        let shown = if is_all {
            self.rows.len()
        } else {
            rows.max(2) - 1
        };
        let mut lines = vec![Line::new(PLAIN, ""); gap];
        lines.push(Line::new(
            self.heading.style,
            cut(&self.heading.text, width),
        ));
        lines.extend(self.rows.drain(..shown));
        let more = self.total.saturating_sub(shown as u64);
        if more > 0 && rows > 1 {
            lines.push(Line::new(DIM, cut(&format!("  … and {more} more"), width)));
        }
        lines
    }
}

/// What matters most comes first: a small terminal shows only the beginning.
fn head(scene: &Scene, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::new(BOLD, title(scene, width))];
    let counts = flow(&counts(scene), " · ", width).into_iter();
    lines.extend(counts.map(|line| Line::new(PLAIN, line)));
    let figures = flow(&figures(scene), " · ", width).into_iter();
    lines.extend(figures.map(|line| Line::new(GOOD, line)));
    lines
}

fn title(scene: &Scene, width: usize) -> String {
    let time = clock(scene.now, scene.now, &scene.zone);
    let (runner, process) = match scene.overview.runner {
        Some(Runner { pid, since }) => {
            let since = clock(since, scene.now, &scene.zone);
            (
                format!("running since {since}"),
                format!(" (process {pid})"),
            )
        }
        None => ("not running".to_owned(), String::new()),
    };
    let name = "nightscribe";
    let whole = apart(name, &format!("{runner}{process} · {time}"), width);
    if whole == name {
        apart(name, &format!("{runner} · {time}"), width)
    } else {
        whole
    }
}

/// What is always of interest, and whatever else there is; not what a person took out.
fn counts(scene: &Scene) -> Vec<String> {
    let is_shown = |state: &JobState| {
        matches!(state, JobState::Queued | JobState::Pending | JobState::Done)
            || *state != JobState::Cancelled && scene.count(*state) > 0
    };
    let states = JobState::ALL.into_iter().filter(is_shown);
    states
        .map(|state| format!("{} {state}", scene.count(state)))
        .collect()
}

fn figures(scene: &Scene) -> Vec<String> {
    let activity = &scene.activity;
    let mut figures = Vec::new();
    let left = scene.left();
    figures.extend(left.map(|left| format!("about {} left", length(left))));
    figures.extend(scene.overview.next_expiry.map(|expiry| {
        if expiry > scene.now {
            format!("the first expires in {}", length(expiry.since(scene.now)))
        } else {
            "the first has expired, unless the service still has it".to_owned()
        }
    }));
    if activity.files > 0 {
        let minutes = scene.over.as_secs_f64() / 60.0;
        let audio = activity.audio_s / 60.0 / minutes;
        let files = activity.files as f64 / minutes * 60.0;
        figures.push(format!("{audio:.1} min of audio a minute"));
        figures.push(format!("{files:.0} files an hour"));
    }
    if scene.overview.perhaps_paid > 0 {
        let doubtful = scene.overview.perhaps_paid;
        figures.push(format!("{doubtful} perhaps paid in vain"));
    }
    figures
}

fn held(scene: &Scene, hold: &Hold, width: usize) -> Vec<Line> {
    let since = clock(hold.since, scene.now, &scene.zone);
    let (reason, message) = (hold.kind.reason(), visible(&hold.message));
    let held = format!("HELD since {since}: {reason}: {message}");
    vec![
        Line::new(PLAIN, ""),
        Line::new(WARN, cut(&held, width)),
        Line::new(PLAIN, cut(hold.kind.advice(), width)),
    ]
}

fn waiting(scene: &Scene, width: usize) -> Section {
    let waits = waits(scene);
    let rows = waits.iter().map(|wait| {
        let more = if wait.more { "+" } else { " " };
        let line = format!("{:>8}{more} {}", wait.count, visible(&wait.reason));
        Line::new(PLAIN, cut(&line, width))
    });
    Section {
        heading: Line::new(BOLD, "WAITS"),
        rows: rows.collect(),
        total: waits.len() as u64,
    }
}

fn under_way(scene: &Scene, width: usize) -> Section {
    let sending = scene.activity.sending.iter();
    let sending = sending.map(|one| sent(scene, "sending", one, width));
    let pending = scene.activity.pending.iter();
    let pending = pending.map(|one| sent(scene, "pending", one, width));
    Section {
        heading: Line::new(BOLD, "ON ITS WAY"),
        rows: sending.chain(pending).collect(),
        total: scene.count(JobState::Submitting) + scene.count(JobState::Pending),
    }
}

/// State, age, name, length or size, and what is left until it expires.
fn sent(scene: &Scene, state: &str, one: &UnderWay, width: usize) -> Line {
    let age = length(scene.now.since(one.since));
    let left = format!("  {state} {age:>7}  ");
    let size = match one.duration_s {
        Some(seconds) => format!("{} long", length(Duration::from_secs_f64(seconds.max(0.0)))),
        None if one.size_bytes > 0 => indicatif::HumanBytes(one.size_bytes).to_string(),
        None => String::new(),
    };
    let expiry = one.expires_at.map(|expiry| {
        if expiry > scene.now {
            format!("expires in {}", length(expiry.since(scene.now)))
        } else {
            "has expired".to_owned()
        }
    });
    let name = shown(&one.relative);
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

fn failed(scene: &Scene, width: usize) -> Section {
    let rows = scene.activity.failures.iter();
    Section {
        heading: Line::new(ERROR, "FAILED LAST"),
        rows: rows.map(|one| failure(scene, one, width)).collect(),
        total: scene.count(JobState::Failed),
    }
}

fn failure(scene: &Scene, one: &Failed, width: usize) -> Line {
    let at = clock(one.at, scene.now, &scene.zone);
    let left = format!("  {at}  ");
    // The name and the reason share the room.
    let room = width.saturating_sub(left.width()) / 2;
    let name = cut_front(&shown(&one.relative), room);
    let reason = visible(&one.failure.to_string());
    let text = format!("{left}{name} ({}): {reason}", one.job.0);
    Line::new(PLAIN, cut(&text, width))
}

/// A name between what is known of it: on its right the first of `rights` that leaves room for all of the name, or else
/// the last, and of the name the end; nothing where even that leaves too little.
fn named(left: &str, name: &str, rights: &[String], width: usize) -> Line {
    const SHORTEST: usize = 12;
    const APART: usize = 2;
    let width = width.min(ROW);
    let room = width.saturating_sub(left.width());
    let fits = |right: &&String| name.width() + APART + right.width() <= room;
    let right = rights.iter().find(fits).or(rights.last());
    let right = right.filter(|right| SHORTEST + APART + right.width() <= room);
    let text = match right {
        Some(right) => {
            let name_room = room - APART - right.width();
            let name = padded(&cut_front(name, name_room), name_room);
            format!("{left}{name}  {right}")
        }
        None => format!("{left}{}", cut_front(name, room)),
    };
    Line::new(PLAIN, cut(text.trim_end(), width))
}

#[cfg(test)]
mod tests;
