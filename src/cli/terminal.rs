//! Styles and formatting for terminal output.

use super::journal::{Priority, prioritized};
pub(super) use crate::app::duration_text::format_duration;
pub(super) use crate::domain::control_chars::escape_control_chars;
use crate::domain::is_control_char;
pub(super) use crate::domain::local_time::format_time;
use crate::domain::readable_path::readable_path;
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const SUCCESS: Style = AnsiColor::Green.on_default().bold();
/// Assumed width of a terminal that does not report one, in columns.
const DEFAULT_WIDTH: usize = 80;

pub(super) const DIM: Style = Style::new().dimmed();
/// Without a colour: yellow cannot be read on a light terminal.
pub(super) const HIGHLIGHT: Style = Style::new().bold().underline();

/// Formats an untrusted path or text on one line. Control characters and bytes that are not UTF-8 are escaped.
pub(super) fn printable_path(name: impl AsRef<Path>) -> String {
    escape_control_chars(&readable_path(name.as_ref()))
}

/// Formats untrusted multi-line text. Escapes control characters except line breaks.
pub(super) fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape_control_chars).collect();
    lines.join("\n")
}

/// Escapes control characters in JSON or log lines, except line breaks and the `ESC` of styles.
///
/// Uses JSON's `\uXXXX` form. All control characters are below U+10000, so each needs a single escape.
pub(super) fn escape_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if is_control_char(char) && !matches!(char, '\n' | '\u{1b}') {
            escaped.push_str(&format!("\\u{:04x}", u32::from(char)));
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// Formats a duration in seconds like [`format_duration`].
pub(super) fn format_seconds(seconds: f64) -> String {
    format_duration(Duration::from_secs_f64(seconds.max(0.0)))
}

/// Formats an amount of audio, given in seconds, in hours and minutes.
pub(super) fn format_hours(audio_s: f64) -> String {
    let minutes = (audio_s / 60.0).round() as u64;
    format!("{}h {:02}m", minutes / 60, minutes % 60)
}

/// Formats an amount of money. An unknown amount is empty.
pub(super) fn format_money(cost: Option<f64>, currency: Option<&str>) -> String {
    let currency = currency.unwrap_or_default();
    cost.map_or_else(String::new, |cost| {
        // Rounded first: an amount just below zero would read "-0.00". Adding zero drops the sign of a zero.
        let cents = (cost * 100.0).round() + 0.0;
        format!("{:.2} {currency}", cents / 100.0)
            .trim_end()
            .to_owned()
    })
}

/// Returns the width of the terminal in columns, also if only standard error is one.
pub(super) fn terminal_width() -> usize {
    let size = crossterm::terminal::size().ok();
    size.map(|(columns, _)| usize::from(columns))
        .filter(|columns| *columns > 0)
        .unwrap_or(DEFAULT_WIDTH)
}

/// Returns the size of the terminal behind standard output in columns and lines. `None` without a terminal.
pub(super) fn stdout_size() -> Option<(usize, usize)> {
    let size = std::io::stdout()
        .is_terminal()
        .then(crossterm::terminal::size);
    let (columns, rows) = size?.ok()?;
    (columns > 0 && rows > 0).then_some((columns.into(), rows.into()))
}

/// Formats a number with its noun in the singular or plural.
pub(super) fn pluralize(number: u64, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// Prints an error about one item to standard error.
pub(super) fn print_error(message: &str) {
    print_to_stderr(
        &format!("{ERROR}error{ERROR:#}: {message}"),
        Priority::Error,
    );
}

/// Prints lines to standard error. Ignores a closed standard error.
pub(super) fn print_to_stderr(text: &str, priority: Priority) {
    let text = prioritized(text.trim_end(), priority);
    let _closed = writeln!(anstream::stderr().lock(), "{text}");
}

/// Creates a table without borders. On a terminal, it fits the width.
pub(super) fn new_table(head: &[&str]) -> Table {
    let mut table = headless_table();
    table.set_header(head);
    pad_columns(&mut table);
    table
}

/// Creates such a table without heads and without columns.
pub(super) fn headless_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// Puts space between the columns that the table has so far.
pub(super) fn pad_columns(table: &mut Table) {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
}

/// Formats a table without trailing spaces.
pub(super) fn format_table(table: &Table) -> String {
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            printable_path("a\nb\u{1b}[31mc\u{9b}d ä\u{202e}3pm"),
            "a\\nb\\u{1b}[31mc\\u{9b}d ä\\u{202e}3pm"
        );
        assert_eq!(printable_lines("a\nb\r\u{7}"), "a\nb\\r\\u{7}");
    }

    #[test]
    fn an_amount_that_rounds_to_zero_has_no_sign() {
        let shown = [-0.0, -0.001, 0.001, -0.5, 12.346].map(|cost| format_money(Some(cost), None));
        assert_eq!(shown, ["0.00", "0.00", "0.00", "-0.50", "12.35"]);
        assert_eq!(format_money(Some(-0.0), Some("USD")), "0.00 USD");
        assert_eq!(format_money(None, Some("USD")), "");
    }
}
