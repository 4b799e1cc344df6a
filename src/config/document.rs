//! TOML with the location of each key and value. Values are converted to JSON, the format of the service's options.

use crate::config::diagnostics::{Diagnostic, Origin};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and the location of its key.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) content: NodeContent,
}

#[derive(Debug, Clone)]
pub(super) enum NodeContent {
    Value(Value),
    Table(Table),
    /// An array of tables, `[[…]]`.
    Tables(Vec<Table>),
}

/// A table with its keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) nodes: BTreeMap<String, Node>,
    /// Location of its header. `None` for the root table.
    pub(super) origin: Option<Origin>,
}

impl Table {
    /// Returns the table as a JSON object, without locations.
    pub(super) fn into_json(self) -> Value {
        let fields = self.nodes.into_iter().map(|(key, node)| {
            let value = match node.content {
                NodeContent::Value(value) => value,
                NodeContent::Table(table) => table.into_json(),
                NodeContent::Tables(tables) => tables.into_iter().map(Self::into_json).collect(),
            };
            (key, value)
        });
        Value::Object(fields.collect())
    }
}

/// Parses a document. A leading byte order mark is ignored.
///
/// # Errors
/// If it is not valid TOML.
pub(super) fn parse(text: &str, path: &Path) -> Result<Table, Diagnostic> {
    let text = text.trim_start_matches('\u{feff}');
    let source = SourceText::new(text, path);
    match DeTable::parse(text) {
        Ok(table) => Ok(Table {
            origin: None,
            ..source.table(table.get_ref(), 0)
        }),
        Err(error) => Err(Diagnostic {
            origin: source.place(error.span().map_or(0, |span| span.start)),
            message: error.message().trim().replace('\n', ", "),
        }),
    }
}

struct SourceText<'a> {
    text: &'a str,
    path: &'a Path,
    /// Offset of the start of each line.
    lines: Vec<usize>,
}

impl<'a> SourceText<'a> {
    fn new(text: &'a str, path: &'a Path) -> Self {
        let ends = text.match_indices('\n');
        Self {
            text,
            path,
            lines: std::iter::once(0)
                .chain(ends.map(|(end, _)| end + 1))
                .collect(),
        }
    }

    fn place(&self, offset: usize) -> Origin {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        Origin::File {
            path: self.path.to_owned(),
            line,
            column: self.text[self.lines[line - 1]..offset].chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>, offset: usize) -> Table {
        let nodes = table.iter().map(|(key, value)| {
            let at = key.span().start;
            let content = self.content(value, at);
            (
                key.get_ref().to_string(),
                Node {
                    origin: self.place(at),
                    content,
                },
            )
        });
        Table {
            nodes: nodes.collect(),
            origin: Some(self.place(offset)),
        }
    }

    fn content(&self, value: &Spanned<DeValue<'_>>, at: usize) -> NodeContent {
        match value.get_ref() {
            DeValue::Table(table) => NodeContent::Table(self.table(table, at)),
            DeValue::Array(items)
                if !items.is_empty() && items.iter().all(|item| item.get_ref().is_table()) =>
            {
                let tables = items
                    .iter()
                    .filter_map(|item| Some((item.get_ref().as_table()?, item.span().start)));
                NodeContent::Tables(
                    tables
                        .map(|(table, start)| self.table(table, start))
                        .collect(),
                )
            }
            other => NodeContent::Value(json(other)),
        }
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            // No key accepts a number out of range. Kept as text, it is rejected with its value shown.
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().into(), Value::from)
        }
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
            .collect(),
    }
}

/// Returns the values that a variable's text may stand for: a TOML value, the text itself, or a comma-separated list.
pub(super) fn possible_values(text: &str) -> Vec<Value> {
    let mut meanings = Vec::new();
    if let Ok(value) = DeValue::parse(text) {
        meanings.push(json(value.get_ref()));
    }
    meanings.push(Value::from(text));
    meanings.push(
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect(),
    );
    meanings
}
