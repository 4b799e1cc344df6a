//! A table that is printed page by page.

use super::terminal::{format_table, headless_table, pad_columns};
use comfy_table::{ColumnConstraint, Table, Width};

/// A table without an end. Each column is at least as wide as on the pages before, so the pages align.
pub(super) struct PagedTable {
    head: Option<Vec<String>>,
    widths: Vec<u16>,
}

impl PagedTable {
    /// Returns a table with these heads of columns.
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            head: Some(head.iter().map(|&name| name.to_owned()).collect()),
            widths: Vec::new(),
        }
    }

    /// Formats the next rows, the first ones with the heads.
    pub(super) fn page(&mut self, rows: impl Iterator<Item = Vec<String>>) -> String {
        let mut table = headless_table();
        if let Some(head) = self.head.take() {
            table.set_header(head);
        }
        table.add_rows(rows);
        pad_columns(&mut table);
        self.align(&mut table);
        format_table(&table)
    }

    /// Widens the columns of `table` to those of the pages before. The last column needs no width.
    fn align(&mut self, table: &mut Table) {
        let widths = table.column_max_content_widths();
        self.widths.resize(widths.len(), 0);
        for (known, width) in self.widths.iter_mut().zip(widths) {
            *known = width.max(*known);
        }
        let last = self.widths.len().saturating_sub(1);
        let aligned = self.widths.iter().zip(table.column_iter_mut());
        for (&width, column) in aligned.take(last) {
            let width = width.saturating_add(column.padding_width());
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_pages_align_with_earlier_ones() {
        let mut table = PagedTable::new(&["ID", "STATE", ""]);
        let row = |id: &str, state: &str| vec![id.to_owned(), state.to_owned(), "x".to_owned()];
        let first = table.page([row("1000", "queued")].into_iter());
        assert_eq!(first, "ID    STATE\n1000  queued  x\n");
        assert_eq!(
            table.page([row("9", "done")].into_iter()),
            "9     done    x\n"
        );
        let wider = table.page([row("9", "transcribing")].into_iter());
        assert_eq!(wider, "9     transcribing  x\n");
        assert_eq!(
            table.page([row("8", "done")].into_iter()),
            "8     done          x\n"
        );
    }
}
