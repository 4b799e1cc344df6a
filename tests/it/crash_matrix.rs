//! Kills a process at each failpoint, starts it again and checks that nothing was lost or paid for twice.
//!
//! The failpoints are read from the source code. A new failpoint without a case fails a test.

mod cases;
mod scenario;

use crate::{exactly_once, search};
use cases::{COMMIT_FAILPOINTS, Case, MIN_COMMITS, Paid, cases, commit};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Returns the names of all failpoints in the source code.
fn failpoints() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let path = entry.unwrap().into_path();
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        if is_code && !path.ends_with("failpoint.rs") {
            let code = fs::read_to_string(path).unwrap();
            names.extend(arguments(&code, "failpoint::hit("));
            for name in arguments(&code, "failpoint::around(") {
                names.extend([format!("{name}.before"), format!("{name}.after")]);
            }
        }
    }
    names
}

/// Returns the first string argument of each call of `function`.
fn arguments(code: &str, function: &str) -> Vec<String> {
    code.split(function)
        .skip(1)
        .map(|rest| rest.split('"').nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn every_failpoint_has_a_case() {
    let cases = cases();
    let names = cases.iter().map(Case::failpoint).chain(COMMIT_FAILPOINTS);
    assert_eq!(
        names.map(str::to_owned).collect::<BTreeSet<_>>(),
        failpoints()
    );
}

#[test]
fn a_kill_at_any_failpoint_loses_nothing() {
    let cases = cases();
    let next = AtomicUsize::new(0);
    let violations = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = run_case(case).unwrap_or_else(|error| vec![error]);
                    violations.lock().unwrap().extend(found);
                }
            });
        }
    });
    let violations = violations.into_inner().unwrap();
    println!(
        "{} failpoints, {} kills, {} violations",
        failpoints().len(),
        cases.len(),
        violations.len()
    );
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn a_kill_at_any_commit_loses_nothing() {
    std::thread::scope(|scope| {
        for failpoint in COMMIT_FAILPOINTS {
            scope.spawn(move || {
                let kills = (1..).map_while(|number| run_case(&commit(failpoint, number)).ok());
                let violations: Vec<_> = kills.collect();
                println!("{failpoint}: {} kills", violations.len());
                assert!(
                    violations.len() >= MIN_COMMITS,
                    "{} kills",
                    violations.len()
                );
                assert!(violations.iter().all(Vec::is_empty), "{violations:#?}");
            });
        }
    });
}

/// Runs one case: kill, repair, next run. Returns the violated guarantees.
///
/// # Errors
///
/// If the process never reached the failpoint.
fn run_case(case: &Case) -> Result<Vec<String>, String> {
    let env = case.scenario.prepare();
    case.scenario
        .run_until_killed(&env, &case.at)
        .map_err(|error| format!("{case:?}: {error}"))?;
    case.scenario.repair(&env);
    let finished = env.run(&["run", "--once"]);
    let notification = case.scenario.notification_violation(&env);
    let audit = exactly_once::audit(&env, case.scenario.expected_failures());
    let mut violations = audit.violations;
    violations.retain(|violation| !case.scenario.explains(violation));
    violations.extend(notification);
    violations.extend(search::violation(&env));
    if !(0..=1).contains(&finished.code) {
        violations.push(format!("exit code {}: {}", finished.code, finished.stderr));
    }
    let (max_paid_again, max_perhaps_paid) = match case.paid {
        Paid::Once => (0, 0),
        Paid::OnceUncertain => (0, 1),
        Paid::MaybeTwice => (1, 1),
    };
    if audit.duplicate_payments > max_paid_again || audit.perhaps_paid > max_perhaps_paid {
        violations.push(format!(
            "{} duplicate payments, {} counted",
            audit.duplicate_payments, audit.perhaps_paid
        ));
    }
    let described = violations
        .iter()
        .map(|violation| format!("{case:?}: {violation}"));
    Ok(described.collect())
}
