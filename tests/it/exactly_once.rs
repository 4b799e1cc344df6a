//! The guarantees that hold after any sequence of crashes: no job is lost, no stray file is left, and every duplicate
//! payment is counted.

use crate::harness::TestEnv;
use nightscribe::media::recording_hash;
use nightscribe_sandbox::Ledger;
use nightscribe_sandbox::ledger::GenerationOutcome;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Result of an audit.
#[derive(Debug, Default)]
pub struct Audit {
    /// Broken guarantees, one message each.
    pub violations: Vec<String>,
    /// Number of paid transcriptions beyond the first of each content.
    pub duplicate_payments: u64,
    /// Number of submissions that `status` counts as perhaps paid.
    pub perhaps_paid: u64,
}

/// Audits the database, the files and the ledger of the sandbox. The recordings in `expected_failures` must have failed.
/// All others must be done.
pub fn audit(env: &TestEnv, expected_failures: &[&str]) -> Audit {
    let items = env.items();
    let status = env.status();
    let ledger = env.sandbox().ledger();
    let mut audit = Audit {
        perhaps_paid: status["perhaps_paid"].as_u64().unwrap(),
        ..Audit::default()
    };
    let violations = &mut audit.violations;
    check_jobs(&items, &status, expected_failures, violations);
    check_files(env, &items, violations);
    let histories = items.iter().map(|item| history(env, item)).collect();
    let sent = |item: &Value| sent_sha256(env, text(item, "path"), text(item, "sha256"));
    let sent: Vec<_> = items.iter().map(sent).collect();
    audit.duplicate_payments = check_payments(&items, &sent, histories, &ledger, violations);
    audit
}

/// Returns the hash of what is sent of a recording with this hash: of a video, the copy of its sound.
fn sent_sha256(env: &TestEnv, path: &str, sha256: &str) -> String {
    if !path.ends_with(".mp4") {
        return sha256.to_owned();
    }
    recording_hash::of_file(&env.path("copy")).unwrap().sha256
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Checks that every job has its expected final state and no hold is left.
fn check_jobs(
    items: &[Value],
    status: &Value,
    expected_failures: &[&str],
    violations: &mut Vec<String>,
) {
    for item in items {
        let name = text(item, "relative");
        let expected = if expected_failures.contains(&name) {
            "failed"
        } else {
            "done"
        };
        if text(item, "state") != expected {
            violations.push(format!("{name} is not {expected}: {item}"));
        }
    }
    if status["holds"]
        .as_array()
        .is_none_or(|holds| !holds.is_empty())
    {
        violations.push(format!("a hold is left: {status}"));
    }
}

/// File extensions of the transcripts of a recording in the default formats, sorted.
const FORMATS: &[&str] = &["json", "srt", "txt", "vtt"];
/// File extensions with all formats configured, sorted. Three formats are JSON.
const ALL_FORMATS: &[&str] = &[
    "aud", "docx", "html", "json", "json", "json", "lrc", "md", "srt", "tsv", "txt", "vtt",
];

/// Checks that every recording has all of its transcripts, complete and with its own content, and that no other file
/// exists.
fn check_files(env: &TestEnv, items: &[Value], violations: &mut Vec<String>) {
    let latest: BTreeMap<_, _> = items
        .iter()
        .map(|item| (text(item, "path"), item))
        .collect();
    let has_all_formats = fs::read_to_string(env.path("nightscribe.toml"))
        .unwrap()
        .contains("'aud'");
    let expected_formats = if has_all_formats {
        ALL_FORMATS
    } else {
        FORMATS
    };
    let mut expected = BTreeSet::new();
    for (path, item) in latest {
        if text(item, "state") != "done" {
            continue;
        }
        let hash = recording_hash::of_file(Path::new(path)).unwrap().sha256;
        if text(item, "sha256") != hash {
            violations.push(format!("{path} has the hash of another recording: {item}"));
        }
        let outputs = item["outputs"].as_array().unwrap();
        let mut formats: Vec<_> = outputs
            .iter()
            .map(|output| output.as_str().unwrap().rsplit('.').next().unwrap())
            .collect();
        formats.sort_unstable();
        if formats != expected_formats {
            violations.push(format!("{path} lacks a transcript: {item}"));
        }
        for output in outputs {
            let output = output.as_str().unwrap();
            expected.insert(output.to_owned());
            let sent = sent_sha256(env, path, &hash);
            if !is_complete(output, &sent, path.ends_with(".mp4")) {
                violations.push(format!("{output} is not complete"));
            }
        }
    }
    let found = file_paths(&env.path("transcripts"));
    if found != expected {
        violations.push(format!(
            "found the files {found:?}, but the queue has {expected:?}"
        ));
    }
}

/// Returns the paths of all files below a folder, including hidden ones.
fn file_paths(folder: &Path) -> BTreeSet<String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        // The folder does not exist before its first file.
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().to_string_lossy().into_owned())
        .collect()
}

/// Whether a transcript is complete. The sandbox ends the transcript of a short recording with the start of its hash. Other
/// sentences follow in that of a long one.
fn is_complete(path: &str, hash: &str, is_long: bool) -> bool {
    let Ok(bytes) = fs::read(path) else {
        return false;
    };
    if path.ends_with(".docx") {
        // The last record of a ZIP file.
        return bytes
            .last_chunk::<22>()
            .is_some_and(|end| end.starts_with(b"PK\x05\x06"));
    }
    let Ok(content) = String::from_utf8(bytes) else {
        return false;
    };
    let hash_prefix = &hash[..8];
    if path.ends_with(".json") {
        serde_json::from_str::<Value>(&content).is_ok() && content.contains(hash_prefix)
    } else if path.ends_with(".html") {
        content.trim_end().ends_with("</html>") && content.contains(hash_prefix)
    } else if is_long {
        content.contains(hash_prefix)
    } else {
        content
            .trim_end()
            .trim_end_matches('.')
            .ends_with(hash_prefix)
    }
}

/// Returns the attempts of an item.
fn history(env: &TestEnv, item: &Value) -> Vec<Value> {
    let output = env.run(&["show", &item["id"].to_string(), "--json"]).stdout;
    let job: Value = serde_json::from_str(&output).unwrap();
    job["history"].as_array().unwrap().clone()
}

/// Checks that every generation was claimed before its submission, and that every duplicate payment is counted as perhaps
/// paid. `sent` has the hash of what is sent of each item. Returns the number of duplicate payments.
fn check_payments(
    items: &[Value],
    sent: &[String],
    histories: Vec<Vec<Value>>,
    ledger: &Ledger,
    violations: &mut Vec<String>,
) -> u64 {
    let (mut claims, mut uncertain) = (BTreeSet::new(), BTreeMap::new());
    for (sent, history) in sent.iter().zip(&histories) {
        for attempt in history {
            claims.insert(text(attempt, "client_request_id"));
            if ["uncertain", "lost"].contains(&text(attempt, "outcome")) {
                *uncertain.entry(sent.as_str()).or_insert(0) += 1;
            }
        }
    }
    let mut paid = BTreeMap::<String, u64>::new();
    for row in &ledger.generations {
        let id = row.client_request_id.as_deref().unwrap_or_default();
        if !claims.contains(id) {
            violations.push(format!("no claim for {row:?}"));
        }
        if row.outcome == GenerationOutcome::Transcribed {
            *paid.entry(row.sha256.to_string()).or_default() += 1;
        }
    }
    let done = |(item, _): &(&Value, _)| text(item, "state") == "done";
    for (item, sent) in items.iter().zip(sent).filter(done) {
        if !paid.contains_key(sent) {
            violations.push(format!("done without a payment: {item}"));
        }
    }
    for (hash, times) in &paid {
        let counted = uncertain.get(hash.as_str()).copied().unwrap_or(0);
        if times - 1 > counted {
            violations.push(format!("{hash} was paid {times} times, {counted} counted"));
        }
    }
    paid.values().map(|times| times - 1).sum()
}
