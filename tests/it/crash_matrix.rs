//! The process is killed at every point of the code that is marked with `failpoint::hit` or `failpoint::around`, one process
//! for each, and started again. What is marked is read from the source, so that a new point without a case is noticed.

mod cases;
mod scenario;

use crate::exactly_once;
use cases::{COMMIT, Case, LEAST_COMMITS, Paid, cases, commit};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every name that the source marks.
fn marked() -> BTreeSet<String> {
    let mut marked = BTreeSet::new();
    for entry in walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let path = entry.unwrap().into_path();
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        if is_code && !path.ends_with("failpoint.rs") {
            let code = fs::read_to_string(path).unwrap();
            marked.extend(arguments(&code, "failpoint::hit("));
            for name in arguments(&code, "failpoint::around(") {
                marked.extend([format!("{name}.before"), format!("{name}.after")]);
            }
        }
    }
    marked
}

/// The text that each call of `function` begins its arguments with.
fn arguments(code: &str, function: &str) -> Vec<String> {
    code.split(function)
        .skip(1)
        .map(|rest| rest.split('"').nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn crash_matrix_has_a_case_for_every_point_and_no_other() {
    let cases = cases();
    let points = cases.iter().map(Case::point).chain(COMMIT);
    assert_eq!(points.map(str::to_owned).collect::<BTreeSet<_>>(), marked());
}

#[test]
fn crash_matrix_keeps_every_promise_at_every_point() {
    let cases = cases();
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = judge(case).unwrap_or_else(|missed| vec![missed]);
                    broken.lock().unwrap().extend(found);
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    println!(
        "{} points, {} kills, {} violations",
        marked().len(),
        cases.len(),
        broken.len()
    );
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn crash_matrix_keeps_every_promise_at_every_commit() {
    std::thread::scope(|scope| {
        for point in COMMIT {
            scope.spawn(move || {
                let kills = (1..).map_while(|number| judge(&commit(point, number)).ok());
                let broken: Vec<_> = kills.collect();
                println!("{point}: {} kills", broken.len());
                assert!(broken.len() >= LEAST_COMMITS, "{} kills", broken.len());
                assert!(broken.iter().all(Vec::is_empty), "{broken:#?}");
            });
        }
    });
}

/// Runs one case; says what of the promise it broke.
///
/// # Errors
/// If the process did not come to the point.
fn judge(case: &Case) -> Result<Vec<String>, String> {
    let env = case.scenario.prepare();
    case.scenario
        .kills(&env, &case.at)
        .map_err(|why| format!("{case:?}: {why}"))?;
    case.scenario.mend(&env);
    let finished = env.run(&["run", "--once"]);
    let untold = case.scenario.untold(&env);
    let account = exactly_once::account(&env, case.scenario.refused());
    let mut violations = account.violations;
    violations.extend(untold);
    if !(0..=1).contains(&finished.code) {
        violations.push(format!("ended with {}: {}", finished.code, finished.stderr));
    }
    let (most_again, most_counted) = match case.paid {
        Paid::Once => (0, 0),
        Paid::OnceInDoubt => (0, 1),
        Paid::PerhapsTwice => (1, 1),
    };
    if account.paid_again > most_again || account.perhaps_paid > most_counted {
        violations.push(format!(
            "{} paid again, {} counted",
            account.paid_again, account.perhaps_paid
        ));
    }
    let named = violations
        .iter()
        .map(|broken| format!("{case:?}: {broken}"));
    Ok(named.collect())
}
