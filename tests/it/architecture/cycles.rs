//! Cycles of an import graph.

use super::import_graph::ImportGraph;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Returns the strongly connected components with more than one file, each sorted.
pub fn cycles(graph: &ImportGraph) -> Vec<Vec<String>> {
    let reach: BTreeMap<_, _> = graph
        .keys()
        .map(|file| (file, reachable(graph, file)))
        .collect();
    let mut components = BTreeSet::new();
    for (file, reached) in &reach {
        let component: Vec<_> = reached
            .iter()
            .filter(|other| reach[*other].contains(*file))
            .cloned()
            .collect();
        if component.len() > 1 {
            components.insert(component);
        }
    }
    components.into_iter().collect()
}

fn reachable(graph: &ImportGraph, file: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for target in &graph[file] {
            if reached.insert(target.clone()) {
                open.push(target);
            }
        }
    }
    reached
}

/// Returns the imports of a component: a line for each of its files, with a shortest way back to it.
pub fn describe(graph: &ImportGraph, component: &[String]) -> String {
    let lines = component
        .iter()
        .map(|file| format!("  {}\n", way_back(graph, file).join(" → ")));
    let lines: BTreeSet<_> = lines.collect();
    format!(
        "{} files import each other:\n{}",
        component.len(),
        lines.into_iter().collect::<String>()
    )
}

/// Returns the shortest circle of imports from `file` back to it.
fn way_back(graph: &ImportGraph, file: &str) -> Vec<String> {
    let mut open = VecDeque::from([vec![file.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop_front() {
        for target in &graph[&way[way.len() - 1]] {
            let next: Vec<_> = way.iter().chain([target]).cloned().collect();
            if target == file {
                return next;
            }
            if seen.insert(target) {
                open.push_back(next);
            }
        }
    }
    Vec::new()
}
