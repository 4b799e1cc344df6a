//! Checks of the sources: what a scan takes, what it leaves out, and how the folders relate.

use super::check_result::{CheckResult, CheckStatus, path_text};
use crate::config::{Config, SourceConfig};
use crate::domain::Timestamp;
use crate::source::folder::left_out::LeftOut;
use crate::source::folder::walk::{WalkItem, WalkOptions, walk};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Number of unreadable files and folders that are named.
const MAX_NAMED: usize = 5;

/// Walks each source, and compares their folders.
pub(super) fn check(config: &Config, now: Timestamp) -> Vec<CheckResult> {
    let sources = config.sources.iter();
    let mut results: Vec<_> = sources
        .map(|source| source_folder(source, config, now))
        .collect();
    results.extend(overlaps(config));
    results
}

/// Findings of a walk.
#[derive(Default)]
struct Findings {
    taken: u64,
    unsettled: u64,
    /// Files and folders that cannot be read, with the reason.
    unreadable: Vec<(PathBuf, String)>,
    left_out: LeftOut,
}

/// Walks a source, and counts what is taken and what is passed over.
fn source_folder(source: &SourceConfig, config: &Config, now: Timestamp) -> CheckResult {
    let path = path_text(&source.path);
    match findings(source, config, now) {
        Err(error) => CheckResult::new(CheckStatus::Failed, "source", format!("{path}: {error}")),
        Ok(findings) => {
            let status = match findings.unreadable.is_empty() && !matches_nothing(source, &findings)
            {
                true => CheckStatus::Passed,
                false => CheckStatus::Warning,
            };
            let text = format!("{path}: {}", text(source, &findings));
            CheckResult::new(status, "source", text)
        }
    }
}

fn findings(source: &SourceConfig, config: &Config, now: Timestamp) -> std::io::Result<Findings> {
    let skip = [config.output.dir.clone(), config.state.dir.clone()];
    let mut items = walk(WalkOptions::of(
        source,
        &skip,
        config.limits.max_lookups,
        now,
    ))?;
    let mut findings = Findings::default();
    for item in items.by_ref() {
        match item {
            WalkItem::Recording { .. } => findings.taken += 1,
            WalkItem::Unsettled { .. } => findings.unsettled += 1,
            WalkItem::Rules { .. } => {}
            WalkItem::Unreadable { path, message } => findings.unreadable.push((path, message)),
        }
    }
    findings.left_out = items.left_out();
    Ok(findings)
}

/// Whether the patterns of `include` match none of the recordings.
fn matches_nothing(source: &SourceConfig, findings: &Findings) -> bool {
    source.include.is_some()
        && findings.taken + findings.unsettled == 0
        && findings.left_out.not_included > 0
}

fn text(source: &SourceConfig, findings: &Findings) -> String {
    let mut text = format!("{} recordings", findings.taken);
    if findings.unsettled > 0 {
        text.push_str(&format!(", {} still changing or open", findings.unsettled));
    }
    if !findings.left_out.is_empty() {
        text.push_str(&format!("; passed over: {}", findings.left_out));
    }
    if matches_nothing(source, findings) {
        text.push_str("\n`include` matches none of them");
    }
    let unreadable = &findings.unreadable;
    for (path, reason) in unreadable.iter().take(MAX_NAMED) {
        text.push_str(&format!("\ncannot be read: {}: {reason}", path_text(path)));
    }
    if unreadable.len() > MAX_NAMED {
        let more = unreadable.len() - MAX_NAMED;
        text.push_str(&format!("\nand {more} more that cannot be read"));
    }
    text
}

/// Reports folders that contain each other.
fn overlaps(config: &Config) -> Vec<CheckResult> {
    let sources = config.sources.iter();
    let folders: Vec<_> = sources.map(|source| resolved(&source.path)).collect();
    let name = |number: usize| &config.sources[number].name;
    let mut messages = Vec::new();
    for (number, other) in overlapping(&folders) {
        messages.push(format!(
            "the sources `{}` and `{}` overlap: recordings in both are listed twice; exclude the inner folder from the outer source",
            name(number),
            name(other)
        ));
    }
    let output = resolved(&config.output.dir);
    for (number, folder) in folders.iter().enumerate() {
        if output.starts_with(folder) && config.output.layout == crate::config::Layout::Mirror {
            messages.push(format!(
                "output.dir is inside the source `{}`; recordings in it are not found",
                name(number)
            ));
        }
    }
    let results = messages.into_iter();
    results
        .map(|message| CheckResult::new(CheckStatus::Warning, "source", message))
        .collect()
}

/// Returns the pairs of folders of which one contains the other or is the same, in order. Looks each folder up among those
/// above the others, because there may be thousands.
fn overlapping(folders: &[PathBuf]) -> BTreeSet<(usize, usize)> {
    let mut by_path: HashMap<&Path, Vec<usize>> = HashMap::new();
    let mut pairs = BTreeSet::new();
    for (number, folder) in folders.iter().enumerate() {
        by_path.entry(folder).or_default().push(number);
    }
    for (number, folder) in folders.iter().enumerate() {
        let above = folder.ancestors().filter_map(|above| by_path.get(above));
        let others = above.flatten().filter(|other| **other != number);
        pairs.extend(others.map(|other| (number.min(*other), number.max(*other))));
    }
    pairs
}

/// Returns the path without symbolic links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    for folder in path.ancestors() {
        if let Ok(found) = folder.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(found, |path, name| path.join(name));
        }
        missing.extend(folder.file_name());
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_contain_each_other_overlap() {
        let folders = ["/a/b", "/c", "/a", "/c", "/ab", "/a/b/c"].map(PathBuf::from);
        let pairs: Vec<_> = overlapping(&folders).into_iter().collect();
        assert_eq!(pairs, [(0, 2), (0, 5), (1, 3), (2, 5)]);
    }
}
