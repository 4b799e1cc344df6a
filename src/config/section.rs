//! One table of the configuration, read key by key from the merged layers: environment over file over defaults. A key
//! that was never read is unknown.

use super::document::{NodeContent, Table, possible_values};
use super::values::ParseResult;
use crate::config::diagnostics::{Diagnostic, Origin};
use crate::domain::did_you_mean::suggestion;
use serde_json::Value;
use std::collections::BTreeMap;

/// Key names under which a secret might be written into the file by mistake.
const SECRETS: [&str; 6] = ["key", "api_key", "apikey", "token", "secret", "password"];

/// Returns the error for a key whose name suggests that its value is a secret, such as `token`.
pub(super) fn secret_key_error(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase().replace('-', "_");
    SECRETS.contains(&key.as_str()).then_some(
        "the API key is not allowed in the configuration; put it in the variable named by `api.key_env` or in the file named by `api.key_file`",
    )
}

/// Name and value of an environment variable.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) text: String,
}

/// One table with its layers. Collects problems and the keys that were read.
pub(super) struct Section<'p> {
    /// Label in diagnostics: `api`, or "source `podcasts`".
    label: String,
    file: Table,
    defaults: Table,
    variables: BTreeMap<String, Variable>,
    /// Keys read so far. [`Section::finish`] rejects all others.
    known_keys: Vec<&'static str>,
    problems: &'p mut Vec<Diagnostic>,
}

impl<'p> Section<'p> {
    pub(super) fn new(
        label: impl Into<String>,
        file: Table,
        defaults: Table,
        variables: BTreeMap<String, Variable>,
        problems: &'p mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            label: label.into(),
            file,
            defaults,
            variables,
            known_keys: Vec::new(),
            problems,
        }
    }

    /// Replaces the label.
    pub(super) fn rename(&mut self, label: String) {
        self.label = label;
    }

    /// Reads a key from the topmost layer that sets it. `None` if no layer sets it or the value is invalid.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> ParseResult<T>,
    ) -> Option<T> {
        self.known_keys.push(key);
        if let Some(variable) = self.variables.get(key).cloned() {
            return self.variable(key, &variable, read);
        }
        let node = self
            .file
            .nodes
            .get(key)
            .or_else(|| self.defaults.nodes.get(key))?;
        let read = match &node.content {
            NodeContent::Value(value) => read(value),
            NodeContent::Table(_) | NodeContent::Tables(_) => {
                Err("expected a value, found a table".to_owned())
            }
        };
        let place = node.origin.clone();
        read.map_err(|message| self.reject_at(place, key, &message))
            .ok()
    }

    fn variable<T>(
        &mut self,
        key: &str,
        variable: &Variable,
        read: impl Fn(&Value) -> ParseResult<T>,
    ) -> Option<T> {
        let mut first_error = None;
        for meaning in possible_values(&variable.text) {
            match read(&meaning) {
                Ok(value) => return Some(value),
                Err(message) => first_error = first_error.or(Some(message)),
            }
        }
        let place = Origin::Variable(variable.name.clone());
        self.reject_at(place, key, &first_error.unwrap_or_default());
        None
    }

    /// Reads every key that was not read before. For tables whose keys are arbitrary names, such as models.
    pub(super) fn remaining<T>(
        &mut self,
        read: impl Fn(&Value) -> ParseResult<T>,
    ) -> Vec<(String, T)> {
        let nodes = std::mem::take(&mut self.file.nodes);
        let (known, others): (Vec<_>, Vec<_>) = nodes
            .into_iter()
            .partition(|(key, _)| self.known_keys.contains(&key.as_str()));
        self.file.nodes = known.into_iter().collect();
        let mut values = Vec::new();
        for (key, node) in others {
            let value = match &node.content {
                NodeContent::Value(value) => read(value),
                NodeContent::Table(_) | NodeContent::Tables(_) => {
                    Err("expected a value, found a table".to_owned())
                }
            };
            match value {
                Ok(value) => values.push((key, value)),
                Err(message) => self.reject_at(node.origin, &key, &message),
            }
        }
        values
    }

    /// Whether the file or the environment sets the key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.file.nodes.contains_key(key) || self.variables.contains_key(key)
    }

    /// Rejects an initial duration that exceeds its maximum, at whichever of the two keys the user set.
    pub(super) fn reject_longer(&mut self, initial: &'static str, max: &'static str) {
        if self.has(initial) {
            self.reject(initial, &format!("must not be longer than `{max}`"));
        } else {
            self.reject(max, &format!("must not be shorter than `{initial}`"));
        }
    }

    /// Returns a nested table, such as `[source.options]`. Empty if it is not set.
    pub(super) fn table(&mut self, key: &'static str) -> Table {
        self.known_keys.push(key);
        match self.file.nodes.get(key).cloned() {
            None => Table::default(),
            Some(node) => match node.content {
                NodeContent::Table(table) => table,
                _ => {
                    self.reject_at(node.origin, key, "expected a table");
                    Table::default()
                }
            },
        }
    }

    /// Returns a nested table as a section. `NIGHTSCRIBE__SECTION__TABLE__KEY` overrides its keys.
    pub(super) fn subsection(&mut self, key: &'static str, label: &'static str) -> Section<'_> {
        let file = self.table(key);
        let mut variables = BTreeMap::new();
        let prefix = format!("{key}__");
        self.variables.retain(|name, variable| {
            let nested = name.strip_prefix(&prefix);
            variables.extend(nested.map(|name| (name.to_owned(), variable.clone())));
            nested.is_none()
        });
        Section::new(label, file, Table::default(), variables, self.problems)
    }

    /// Whether the topmost layer that sets the key sets it as a table.
    pub(super) fn has_table(&self, key: &str) -> bool {
        let node = self.file.nodes.get(key);
        let is_table = node.is_some_and(|node| matches!(node.content, NodeContent::Table(_)));
        let prefix = format!("{key}__");
        let is_nested = self.variables.keys().any(|name| name.starts_with(&prefix));
        !self.variables.contains_key(key) && (is_table || is_nested)
    }

    /// Whether neither the file nor the environment sets any key.
    pub(super) fn is_empty(&self) -> bool {
        self.file.nodes.is_empty() && self.variables.is_empty()
    }

    /// Rejects the value of `key`, at its location in the topmost layer that sets it.
    pub(super) fn reject(&mut self, key: &str, message: &str) {
        self.reject_at(self.origin(key), key, message);
    }

    /// Returns the location of `key` in the topmost layer that sets it, or of its table.
    pub(super) fn origin(&self, key: &str) -> Origin {
        match self.variables.get(key) {
            Some(variable) => Origin::Variable(variable.name.clone()),
            None => {
                let node = self
                    .file
                    .nodes
                    .get(key)
                    .or_else(|| self.defaults.nodes.get(key));
                node.map(|node| node.origin.clone())
                    .or_else(|| self.file.origin.clone())
                    .unwrap_or(Origin::Default)
            }
        }
    }

    fn reject_at(&mut self, place: Origin, key: &str, message: &str) {
        let separator = if self.label.contains(' ') { ": " } else { "." };
        let message = match separator {
            "." => format!("`{}.{key}`: {message}", self.label),
            _ => format!("{}: `{key}`: {message}", self.label),
        };
        self.problems.push(Diagnostic {
            origin: place,
            message,
        });
    }

    /// Rejects every key that was not read.
    pub(super) fn finish(mut self) {
        let unknown: Vec<_> = self
            .file
            .nodes
            .iter()
            .filter(|(key, _)| !self.known_keys.contains(&key.as_str()))
            .map(|(key, node)| (key.clone(), node.origin.clone()))
            .chain(
                self.variables
                    .iter()
                    .filter(|(key, _)| !self.known_keys.contains(&key.as_str()))
                    .map(|(key, variable)| (key.clone(), Origin::Variable(variable.name.clone()))),
            )
            .collect();
        for (key, place) in unknown {
            let message = secret_key_error(&key).map_or_else(
                || {
                    let known = self.known_keys.iter().copied();
                    format!("no such key{}", suggestion(&key, known))
                },
                str::to_owned,
            );
            self.reject_at(place, &key, &message);
        }
    }
}
