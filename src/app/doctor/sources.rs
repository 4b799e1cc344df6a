//! Checks of the sources: what a scan takes, what it leaves out, and how the folders relate.

use super::check_result::{CheckResult, CheckStatus, path_text};
use crate::config::{Config, SourceConfig};
use crate::domain::Timestamp;
use crate::source::folder::left_out::LeftOut;
use crate::source::folder::walk::{WalkItem, WalkOptions, walk};
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

/// What a walk found.
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
    let max_lookups = config.limits.max_lookups;
    let mut items = walk(WalkOptions::of(source, &skip, max_lookups, now))?;
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
    let folders: Vec<_> = config
        .sources
        .iter()
        .map(|source| (&source.name, resolved(&source.path)))
        .collect();
    let mut messages = Vec::new();
    for (number, (name, path)) in folders.iter().enumerate() {
        for (other_name, other) in &folders[number + 1..] {
            if path.starts_with(other) || other.starts_with(path) {
                messages.push(format!(
                    "the sources `{name}` and `{other_name}` overlap: recordings in both are listed twice; exclude the inner folder from the outer source"
                ));
            }
        }
        let output = resolved(&config.output.dir);
        if output.starts_with(path) && config.output.layout == crate::config::Layout::Mirror {
            messages.push(format!(
                "output.dir is inside the source `{name}`; recordings in it are not found"
            ));
        }
    }
    let results = messages.into_iter();
    results
        .map(|message| CheckResult::new(CheckStatus::Warning, "source", message))
        .collect()
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
