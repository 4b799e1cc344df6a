//! The process is killed at every point of the code that is marked with `crash::point` or `crash::around`, one process
//! for each, and started again. What is marked is read from the source, so that a new point without a case is noticed.

mod cases;
mod scenario;

use crate::promise;
use cases::{Case, Paid, cases};
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
        if is_code && !path.ends_with("crash.rs") {
            let code = fs::read_to_string(path).unwrap();
            marked.extend(arguments(&code, "crash::point("));
            for name in arguments(&code, "crash::around(") {
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
    let covered: BTreeSet<_> = cases.iter().map(|case| case.point().to_owned()).collect();
    assert_eq!(covered, marked());
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
                    let found = violations(case);
                    broken.lock().unwrap().extend(found);
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    let points = marked().len();
    println!(
        "{points} points, {} kills, {} violations",
        cases.len(),
        broken.len()
    );
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Runs one case; says what of the promise it broke.
fn violations(case: &Case) -> Vec<String> {
    let house = case.scenario.prepare();
    let died = case.scenario.kills(&house, &case.at);
    if let Err(why) = died {
        return vec![format!("{case:?}: {why}")];
    }
    case.scenario.mend(&house);
    let finished = house.run(&["run", "--once"]);
    let account = promise::account(&house, case.scenario.refused());
    let mut violations = account.violations;
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
    violations
        .iter()
        .map(|broken| format!("{case:?}: {broken}"))
        .collect()
}
