//! Choice of the line break within a subtitle.

use super::speech::{Boundary, Speech};
use crate::domain::rendering::SubtitleOptions;

/// Words of a subtitle, laid out in one or two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// First word of the second line, or the end of the words if there is one line.
    pub(super) second_line: usize,
    /// Cost of the line break.
    pub(super) cost: u64,
}

/// Returns the layout of the words `from..to` with the lowest cost, or `None` if they do not fit on the lines.
///
/// `label` is the width of a label with its space, before the first word.
pub(super) fn layout(
    speech: &Speech<'_>,
    (from, to): (usize, usize),
    label: usize,
    options: &SubtitleOptions,
) -> Option<Layout> {
    let max_columns = options.max_chars;
    if label + speech.width(from, to) <= max_columns {
        return Some(Layout {
            second_line: to,
            cost: 0,
        });
    }
    // A word that does not fit next to its label needs a second line in any case.
    let has_one_line = options.max_lines == 1 && !(label > 0 && to == from + 1);
    if has_one_line {
        return None;
    }
    // A label may be alone on the first line, if nothing else fits.
    let first = if label > 0 { from } else { from + 1 };
    let first = speech.first_within(first, to, max_columns);
    (first..to)
        .map(|second| {
            (
                second,
                label + speech.width(from, second),
                speech.width(second, to),
            )
        })
        .take_while(|(second, above, _)| *above <= max_columns || *second == from)
        .map(|(second, above, below)| Layout {
            second_line: second,
            cost: break_cost(speech, from, second) + balance_cost(above, below),
        })
        .min_by_key(|layout| layout.cost)
}

fn break_cost(speech: &Speech<'_>, from: usize, second: usize) -> u64 {
    let Some(last) = second.checked_sub(1).filter(|last| *last >= from) else {
        return 120;
    };
    match speech.boundaries[last] {
        Boundary::Sentence => 0,
        Boundary::Clause => 5,
        Boundary::Phrase => 20,
        Boundary::Words => 40,
        Boundary::WeakWord => 110,
        Boundary::Inside => 1000,
    }
}

/// Prefers lines of similar width, and a shorter first line to a shorter second one.
fn balance_cost(above: usize, below: usize) -> u64 {
    let difference = above.abs_diff(below) as u64;
    if above > below {
        difference * 3 / 2
    } else {
        difference
    }
}
