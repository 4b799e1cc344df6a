//! One table of the configuration, read key by key through the layers: environment over file over default. Whatever
//! was not asked for in the end is no key.

use super::document::{Content, Table, meanings};
use super::problem::{Place, Problem};
use super::values::Read;
use crate::domain::nearest::suggestion;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names that people give to the key, which must never be in the file.
const SECRETS: [&str; 6] = ["key", "api_key", "apikey", "token", "secret", "password"];

/// What to say to somebody who wrote the key under a name like `key`.
pub(super) fn secret_refusal(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase().replace('-', "_");
    SECRETS.contains(&key.as_str()).then_some(
        "the API key is never in the configuration; put it in the variable named by `api.key_env` or in the file named by `api.key_file`",
    )
}

/// A variable's name and text.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) text: String,
}

pub(super) struct Section<'p> {
    /// What it is called in a refusal: `api`, or "source `podcasts`".
    label: String,
    file: Table,
    defaults: Table,
    variables: BTreeMap<String, Variable>,
    asked: Vec<&'static str>,
    problems: &'p mut Vec<Problem>,
}

impl<'p> Section<'p> {
    pub(super) fn new(
        label: impl Into<String>,
        file: Table,
        defaults: Table,
        variables: BTreeMap<String, Variable>,
        problems: &'p mut Vec<Problem>,
    ) -> Self {
        Self {
            label: label.into(),
            file,
            defaults,
            variables,
            asked: Vec::new(),
            problems,
        }
    }

    pub(super) fn rename(&mut self, label: String) {
        self.label = label;
    }

    /// A key's value from the topmost layer that has it; `None` if none has, or if it is refused.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> Read<T>,
    ) -> Option<T> {
        self.asked.push(key);
        if let Some(variable) = self.variables.get(key).cloned() {
            return self.variable(key, &variable, read);
        }
        let node = self
            .file
            .nodes
            .get(key)
            .or_else(|| self.defaults.nodes.get(key))?;
        let read = match &node.content {
            Content::Value(value) => read(value),
            Content::Table(_) | Content::Tables(_) => {
                Err("expected a value, found a table".to_owned())
            }
        };
        let place = node.place.clone();
        read.map_err(|message| self.refuse_at(place, key, &message))
            .ok()
    }

    fn variable<T>(
        &mut self,
        key: &str,
        variable: &Variable,
        read: impl Fn(&Value) -> Read<T>,
    ) -> Option<T> {
        let mut first_refusal = None;
        for meaning in meanings(&variable.text) {
            match read(&meaning) {
                Ok(value) => return Some(value),
                Err(message) => first_refusal = first_refusal.or(Some(message)),
            }
        }
        let place = Place::Variable(variable.name.clone());
        self.refuse_at(place, key, &first_refusal.unwrap_or_default());
        None
    }

    /// Every key that was not asked for, with its value, in a section whose keys are names of other things.
    pub(super) fn others<T>(&mut self, read: impl Fn(&Value) -> Read<T>) -> Vec<(String, T)> {
        let nodes = std::mem::take(&mut self.file.nodes);
        let (asked, others): (Vec<_>, Vec<_>) = nodes
            .into_iter()
            .partition(|(key, _)| self.asked.contains(&key.as_str()));
        self.file.nodes = asked.into_iter().collect();
        let mut values = Vec::new();
        for (key, node) in others {
            let value = match &node.content {
                Content::Value(value) => read(value),
                Content::Table(_) | Content::Tables(_) => {
                    Err("expected a value, found a table".to_owned())
                }
            };
            match value {
                Ok(value) => values.push((key, value)),
                Err(message) => self.refuse_at(node.place, &key, &message),
            }
        }
        values
    }

    /// Whether the user set the key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.file.nodes.contains_key(key) || self.variables.contains_key(key)
    }

    /// Refuses a first wait that is longer than the longest, at the one of the two that the user set.
    pub(super) fn refuse_longer(&mut self, first: &'static str, most: &'static str) {
        if self.has(first) {
            self.refuse(first, &format!("it is longer than `{most}`"));
        } else {
            self.refuse(most, &format!("it is shorter than `{first}`"));
        }
    }

    /// A table below this one, as in `[source.options]`.
    pub(super) fn table(&mut self, key: &'static str) -> Table {
        self.asked.push(key);
        match self.file.nodes.get(key).cloned() {
            None => Table::default(),
            Some(node) => match node.content {
                Content::Table(table) => table,
                _ => {
                    self.refuse_at(node.place, key, "expected a table");
                    Table::default()
                }
            },
        }
    }

    /// A table below this one, with keys that `NIGHTSCRIBE__SECTION__TABLE__KEY` sets, too.
    pub(super) fn below(&mut self, key: &'static str, label: &'static str) -> Section<'_> {
        let file = self.table(key);
        let mut variables = BTreeMap::new();
        let prefix = format!("{key}__");
        self.variables.retain(|name, variable| {
            let below = name.strip_prefix(&prefix);
            variables.extend(below.map(|name| (name.to_owned(), variable.clone())));
            below.is_none()
        });
        Section::new(label, file, Table::default(), variables, self.problems)
    }

    /// Whether the user set nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.file.nodes.is_empty() && self.variables.is_empty()
    }

    /// Refuses what stands at `key`, in whichever layer.
    pub(super) fn refuse(&mut self, key: &str, message: &str) {
        let place = match self.variables.get(key) {
            Some(variable) => Place::Variable(variable.name.clone()),
            None => {
                let node = self
                    .file
                    .nodes
                    .get(key)
                    .or_else(|| self.defaults.nodes.get(key));
                node.map(|node| node.place.clone())
                    .or_else(|| self.file.place.clone())
                    .unwrap_or(Place::Default)
            }
        };
        self.refuse_at(place, key, message);
    }

    fn refuse_at(&mut self, place: Place, key: &str, message: &str) {
        let separator = if self.label.contains(' ') { ": " } else { "." };
        let message = match separator {
            "." => format!("`{}.{key}`: {message}", self.label),
            _ => format!("{}: `{key}`: {message}", self.label),
        };
        self.problems.push(Problem { place, message });
    }

    /// Refuses every key that was not asked for.
    pub(super) fn finish(mut self) {
        let unknown: Vec<_> = self
            .file
            .nodes
            .iter()
            .filter(|(key, _)| !self.asked.contains(&key.as_str()))
            .map(|(key, node)| (key.clone(), node.place.clone()))
            .chain(
                self.variables
                    .iter()
                    .filter(|(key, _)| !self.asked.contains(&key.as_str()))
                    .map(|(key, variable)| (key.clone(), Place::Variable(variable.name.clone()))),
            )
            .collect();
        for (key, place) in unknown {
            let message = secret_refusal(&key).map_or_else(
                || {
                    let known = self.asked.iter().copied();
                    format!("no such key{}", suggestion(&key, known))
                },
                str::to_owned,
            );
            self.refuse_at(place, &key, &message);
        }
    }
}
