//! A table that is printed page by page, and fits the terminal.

use super::fit::{shorten_middle, truncate_end};
use super::terminal::{format_table, headless_table, pad_columns};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table, Width};
use unicode_width::UnicodeWidthStr;

/// Columns after each column of a table.
const GAP: usize = 2;
/// Widths of names and remarks to which they shrink one after another, until the table fits.
const NAME_WIDTHS: [usize; 3] = [30, 18, 12];
const REMARK_WIDTHS: [usize; 3] = [30, 24, 12];

/// Column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) kind: ColumnKind,
}

/// Values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// Words that are never shortened.
    Word,
    /// Numbers and other values to the right.
    Number,
    /// Names and paths, shortened in the middle.
    Name,
    /// Sentences, shortened at the end.
    Remark,
}

/// A table without an end. Each column is at least as wide as on the pages before, so the pages align.
pub(super) struct PagedTable {
    columns: Vec<Column>,
    /// Width of the terminal. `None` shows every value in full.
    width: Option<usize>,
    has_head: bool,
    widths: Vec<usize>,
}

impl PagedTable {
    /// Returns a table with these columns, which fits `width` if it is given.
    pub(super) fn new(columns: Vec<Column>, width: Option<usize>) -> Self {
        Self {
            widths: columns.iter().map(|column| column.head.width()).collect(),
            columns,
            width,
            has_head: false,
        }
    }

    /// Formats the next rows, the first ones with the heads.
    pub(super) fn page(&mut self, rows: Vec<Vec<Cell>>) -> String {
        self.widen(&rows);
        let mut table = headless_table();
        if !std::mem::replace(&mut self.has_head, true) {
            table.set_header(self.columns.iter().map(|column| column.head));
        }
        table.add_rows(rows.into_iter().map(|row| self.fitted(row)));
        pad_columns(&mut table);
        self.align(&mut table);
        format_table(&table)
    }

    /// Widens the columns for these rows, and narrows them to the width of the table.
    fn widen(&mut self, rows: &[Vec<Cell>]) {
        for row in rows {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                *known = cell.content().width().max(*known);
            }
        }
        let Some(available) = self.width else { return };
        let steps = REMARK_WIDTHS.iter().zip(NAME_WIDTHS);
        let steps = steps
            .flat_map(|(&remark, name)| [(ColumnKind::Remark, remark), (ColumnKind::Name, name)]);
        for (kind, least) in steps {
            for index in (0..self.columns.len()).rev() {
                let total = self.widths.iter().sum::<usize>() + GAP * self.widths.len();
                let surplus = total.saturating_sub(available);
                if self.columns[index].kind == kind && self.widths[index] > least {
                    self.widths[index] -= surplus.min(self.widths[index] - least);
                }
            }
        }
    }

    /// Shortens the values of a row to the widths of their columns.
    fn fitted(&self, row: Vec<Cell>) -> Vec<Cell> {
        let cells = row.into_iter().zip(self.columns.iter().zip(&self.widths));
        cells
            .map(|(cell, (column, &width))| {
                let text = cell.content();
                match column.kind {
                    ColumnKind::Name if text.width() > width => {
                        Cell::new(shorten_middle(&text, width))
                    }
                    ColumnKind::Remark if text.width() > width => {
                        Cell::new(truncate_end(&text, width))
                    }
                    _ => cell,
                }
            })
            .collect()
    }

    /// Gives the columns of `table` their widths. The last column needs none.
    fn align(&self, table: &mut Table) {
        let last = self.widths.len().saturating_sub(1);
        let aligned = self.columns.iter().zip(&self.widths);
        for ((column, &width), target) in aligned.zip(table.column_iter_mut()) {
            if column.kind == ColumnKind::Number {
                target.set_cell_alignment(CellAlignment::Right);
            }
            if target.index != last {
                let width = u16::try_from(width).unwrap_or(u16::MAX);
                let width = width.saturating_add(target.padding_width());
                target.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>) -> PagedTable {
        let column = |head, kind| Column { head, kind };
        let columns = vec![
            column("ID", ColumnKind::Number),
            column("STATE", ColumnKind::Word),
            column("RECORDING", ColumnKind::Name),
            column("REASON", ColumnKind::Remark),
        ];
        PagedTable::new(columns, width)
    }

    fn row(cells: [&str; 4]) -> Vec<Cell> {
        cells.map(Cell::new).into()
    }

    #[test]
    fn later_pages_align_with_earlier_ones() {
        let mut table = table(None);
        let first = table.page(vec![row(["1000", "queued", "a.mp3", "x"])]);
        assert_eq!(
            first,
            "  ID  STATE   RECORDING  REASON\n1000  queued  a.mp3      x\n"
        );
        let second = table.page(vec![row(["9", "done", "b.mp3", ""])]);
        assert_eq!(second, "   9  done    b.mp3\n");
        let wider = table.page(vec![row(["9", "submitting", "b.mp3", "x"])]);
        assert_eq!(wider, "   9  submitting  b.mp3      x\n");
    }

    #[test]
    fn names_and_remarks_are_shortened_to_the_width() {
        let long = row([
            "7",
            "failed",
            "2024/season 3/a rather long name of an episode.mp3",
            "unsupported: the file begins with text and is no recording",
        ]);
        for width in [50, 60, 80, 100, 200] {
            let page = table(Some(width)).page(vec![long.clone()]);
            for line in page.lines() {
                assert!(line.width() <= width, "{width}: {page}");
            }
            assert_eq!(page.lines().count(), 2, "{page}");
            assert!(
                page.contains("ode.mp3") && page.contains("unsupported"),
                "{page}"
            );
        }
        let all = table(None).page(vec![long]);
        assert!(all.contains("a rather long name of an episode") && all.ends_with("recording\n"));
    }
}
