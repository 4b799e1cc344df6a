//! Reading of the tables `[speakers]` and `[replace]` of a source or a folder.

use super::document::{NodeContent, Table};
use crate::config::diagnostics::Diagnostic;
use crate::domain::rendering::RenderRules;
use serde_json::Value;

/// Tables of rules, as read from a section.
pub(super) struct RuleTables {
    pub(super) speakers: Table,
    pub(super) replace: Table,
}

impl RuleTables {
    /// Returns the rules. Invalid ones are added to `problems`.
    pub(super) fn check(self, label: &str, problems: &mut Vec<Diagnostic>) -> RenderRules {
        let mut rules = RenderRules::default();
        let RenderRules {
            speakers,
            replacements,
        } = &mut rules;
        each_text(self.speakers, label, "speakers", problems, |key, name| {
            if name.trim().is_empty() {
                return Err(format!("`{key}`: expected a name"));
            }
            speakers
                .set(key, name)
                .map_err(|error| format!("`{key}`: {error}"))
        });
        each_text(self.replace, label, "replace", problems, |pattern, text| {
            replacements
                .set(pattern, text)
                .map_err(|error| format!("`{pattern}` {error}"))
        });
        rules
    }
}

/// Calls `set` with each key and text of a table.
fn each_text(
    table: Table,
    label: &str,
    name: &str,
    problems: &mut Vec<Diagnostic>,
    mut set: impl FnMut(&str, &str) -> Result<(), String>,
) {
    for (key, node) in table.nodes {
        let done = match &node.content {
            NodeContent::Value(Value::String(text)) => set(&key, text),
            _ => Err(format!("`{key}`: expected a string")),
        };
        if let Err(error) = done {
            problems.push(Diagnostic {
                origin: node.origin,
                message: format!("{label}: [{name}] {error}"),
            });
        }
    }
}
