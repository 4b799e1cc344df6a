//! What must hold after any crash, however often and wherever: nothing lost, nothing left lying about, nothing paid
//! twice without being counted.

use crate::harness::TestEnv;
use nightscribe::source::folder::fingerprint::sha256;
use nightscribe_sandbox::Ledger;
use nightscribe_sandbox::ledger::GenerationOutcome;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What of the promise was broken, and what it cost to keep.
#[derive(Debug, Default)]
pub struct Account {
    /// One sentence each.
    pub violations: Vec<String>,
    /// Transcriptions that were paid for beyond one for each recording.
    pub paid_again: u64,
    /// Submissions that `status` counts as perhaps paid for nothing.
    pub perhaps_paid: u64,
}

/// Looks at the database, the files and the service's books. `refused` are the recordings that must have failed; all
/// others must be done.
pub fn account(env: &TestEnv, refused: &[&str]) -> Account {
    let items = env.items();
    let status = env.status();
    let ledger = env.sandbox().ledger();
    let mut account = Account {
        perhaps_paid: status["perhaps_paid"].as_u64().unwrap(),
        ..Account::default()
    };
    let violations = &mut account.violations;
    queue(&items, &status, refused, violations);
    files(env, &items, violations);
    let histories = items.iter().map(|item| history(env, item)).collect();
    account.paid_again = payments(&items, histories, &ledger, violations);
    account
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Every job is over, as it should be.
fn queue(items: &[Value], status: &Value, refused: &[&str], violations: &mut Vec<String>) {
    for item in items {
        let name = text(item, "relative");
        let wanted = if refused.contains(&name) {
            "failed"
        } else {
            "done"
        };
        if text(item, "state") != wanted {
            violations.push(format!("{name} is not {wanted}: {item}"));
        }
    }
    if status["holds"]
        .as_array()
        .is_none_or(|holds| !holds.is_empty())
    {
        violations.push(format!("a hold was left: {status}"));
    }
}

/// Ends of the names of a recording's transcripts.
const FORMATS: &[&str] = &["json", "srt", "txt", "vtt"];
/// The same where all formats are asked for; three of them are JSON.
const ALL_FORMATS: &[&str] = &[
    "aud", "json", "json", "json", "lrc", "md", "srt", "tsv", "txt", "vtt",
];

/// Every recording has all of its transcripts, each whole and its own, and nothing else is there.
fn files(env: &TestEnv, items: &[Value], violations: &mut Vec<String>) {
    let latest: BTreeMap<_, _> = items
        .iter()
        .map(|item| (text(item, "path"), item))
        .collect();
    let all = fs::read_to_string(env.path("nightscribe.toml"))
        .unwrap()
        .contains("'aud'");
    let wanted = if all { ALL_FORMATS } else { FORMATS };
    let mut expected = BTreeSet::new();
    for (path, item) in latest {
        if text(item, "state") != "done" {
            continue;
        }
        let hash = sha256(Path::new(path)).unwrap();
        if text(item, "sha256") != hash {
            violations.push(format!("{path} has the hash of another recording: {item}"));
        }
        let outputs = item["outputs"].as_array().unwrap();
        let mut formats: Vec<_> = outputs
            .iter()
            .map(|output| output.as_str().unwrap().rsplit('.').next().unwrap())
            .collect();
        formats.sort_unstable();
        if formats != wanted {
            violations.push(format!("{path} has not every transcript: {item}"));
        }
        for output in outputs {
            let output = output.as_str().unwrap();
            expected.insert(output.to_owned());
            if !is_whole(output, &hash) {
                violations.push(format!("{output} is not whole"));
            }
        }
    }
    let there = present(&env.path("transcripts"));
    if there != expected {
        violations.push(format!("files {there:?}, but the queue says {expected:?}"));
    }
}

/// Every file below a folder, hidden ones too.
fn present(folder: &Path) -> BTreeSet<String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        // A folder that was never needed is not there.
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().to_string_lossy().into_owned())
        .collect()
}

/// The sandbox ends a transcript of a short recording with the beginning of its hash, so what has that is whole.
fn is_whole(path: &str, hash: &str) -> bool {
    let Ok(content) = fs::read_to_string(path) else {
        return false;
    };
    let last = &hash[..8];
    if path.ends_with(".json") {
        serde_json::from_str::<Value>(&content).is_ok() && content.contains(last)
    } else {
        content.trim_end().trim_end_matches('.').ends_with(last)
    }
}

fn history(env: &TestEnv, item: &Value) -> Vec<Value> {
    let shown = env.run(&["show", &item["id"].to_string(), "--json"]).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    shown["history"].as_array().unwrap().clone()
}

/// Every generation was claimed before it was made, and every second payment for the same content is one of those
/// that are counted as perhaps paid. Answers how many there are.
fn payments(
    items: &[Value],
    histories: Vec<Vec<Value>>,
    ledger: &Ledger,
    violations: &mut Vec<String>,
) -> u64 {
    let (mut claimed, mut doubtful) = (BTreeSet::new(), BTreeMap::new());
    for (item, history) in items.iter().zip(&histories) {
        for attempt in history {
            claimed.insert(text(attempt, "client_request_id"));
            if ["uncertain", "lost"].contains(&text(attempt, "outcome")) {
                *doubtful.entry(text(item, "sha256")).or_insert(0) += 1;
            }
        }
    }
    let mut paid = BTreeMap::<String, u64>::new();
    for row in &ledger.generations {
        let id = row.client_request_id.as_deref().unwrap_or_default();
        if !claimed.contains(id) {
            violations.push(format!("no claim was written before {row:?}"));
        }
        if row.outcome == GenerationOutcome::Transcribed {
            *paid.entry(row.sha256.to_string()).or_default() += 1;
        }
    }
    for item in items.iter().filter(|item| text(item, "state") == "done") {
        if !paid.contains_key(text(item, "sha256")) {
            violations.push(format!("done without a payment: {item}"));
        }
    }
    for (hash, times) in &paid {
        let counted = doubtful.get(hash.as_str()).copied().unwrap_or(0);
        if times - 1 > counted {
            violations.push(format!("{hash} was paid {times} times, {counted} counted"));
        }
    }
    paid.values().map(|times| times - 1).sum()
}
