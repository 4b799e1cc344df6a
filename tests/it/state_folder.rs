//! The state folder: where it is, what is in it, and what happens when it is damaged, moved or replaced.

use crate::harness::{TestEnv, run_command, settings};
use sqlx::{ConnectOptions, Connection};
use std::fs;
use std::path::PathBuf;

const DATABASE: &str = "state/nightscribe.db";

/// Writes a database of another program, made by `statements`. Returns its bytes.
fn write_foreign_database(env: &TestEnv, statements: &'static [&'static str]) -> Vec<u8> {
    let path = env.path(DATABASE);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut database = options.connect().await.unwrap();
        for &statement in statements {
            sqlx::query(statement).execute(&mut database).await.unwrap();
        }
        database.close().await.unwrap();
    });
    fs::read(path).unwrap()
}

#[test]
fn a_foreign_database_is_refused_and_unchanged() {
    let foreign: [&[&str]; 3] = [
        &[
            "CREATE TABLE songs (title)",
            "INSERT INTO songs VALUES ('a')",
        ],
        &["PRAGMA application_id = 1", "PRAGMA user_version = 3"],
        &["PRAGMA application_id = 7", "CREATE TABLE jobs (id)"],
    ];
    for statements in foreign {
        let env = TestEnv::with_recordings(settings(), 1);
        let before = write_foreign_database(&env, statements);
        for command in [&["run", "--once"][..], &["scan"], &["list"], &["check"]] {
            let refused = env.run(command);
            assert_eq!(refused.code, 2, "{command:?}: {}", refused.stderr);
            let said = refused.stdout + &refused.stderr;
            assert!(said.contains("is not a nightscribe database"), "{said}");
        }
        assert_eq!(fs::read(env.path(DATABASE)).unwrap(), before);
        assert_eq!(env.sandbox().ledger().generations.len(), 0);
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_unchanged() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::create_dir(env.path("state")).unwrap();
    fs::write(env.path(DATABASE), "Shopping list\n".repeat(1000)).unwrap();
    let before = fs::read(env.path(DATABASE)).unwrap();
    let refused = env.run_once(2);
    assert!(
        refused.stderr.contains("is not a nightscribe database"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read(env.path(DATABASE)).unwrap(), before);
    assert_eq!(env.sandbox().ledger().generations.len(), 0);
}

#[test]
fn an_empty_database_file_is_a_new_queue() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::create_dir(env.path("state")).unwrap();
    fs::write(env.path(DATABASE), "").unwrap();
    env.run_once(0);
    assert_eq!(env.count("done"), 1);
}

#[test]
fn a_log_without_its_database_is_kept() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::create_dir(env.path("state")).unwrap();
    let log = env.path("state/nightscribe.db-wal");
    fs::write(&log, "changes").unwrap();
    let refused = env.run_once(2);
    assert!(
        refused.stderr.contains("restore both"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read(&log).unwrap(), b"changes");
    assert!(!env.path(DATABASE).exists());
}

#[test]
fn a_damaged_database_is_found_before_anything_is_sent() {
    let env = TestEnv::with_recordings(settings(), 30);
    env.run_once(0);
    let mut database = fs::read(env.path(DATABASE)).unwrap();
    // The schema at the beginning is intact, so that the database can be opened.
    let half = database.len() / 2;
    database[half..].fill(0x5a);
    fs::write(env.path(DATABASE), &database).unwrap();
    env.add_recording("new.wav", 99);
    let check = env.run(&["check"]);
    assert_eq!(check.code, 2, "{}", check.stdout);
    assert!(check.stdout.contains("is damaged"), "{}", check.stdout);
    let run = env.run(&["run", "--once"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("is damaged"), "{}", run.stderr);
    assert_eq!(env.sandbox().ledger().generations.len(), 30);
}

/// Starts a daemon on slow submissions. Returns when some are accepted and most are not yet sent.
fn start_slow_daemon(env: &TestEnv) -> crate::harness::RunningCommand {
    let mut command = env.command(&["run"]);
    command.env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "120");
    let daemon = env.start_logged(&mut command, "log");
    env.wait_until("a submission", |env| {
        !env.sandbox().ledger().generations.is_empty()
    });
    daemon
}

/// Makes a change to the state folder of a running daemon, and asserts that it ends and pays for nothing more.
fn assert_run_ends(change: impl Fn(&TestEnv)) {
    let env = TestEnv::with_recordings(settings(), 60);
    let mut daemon = start_slow_daemon(&env);
    change(&env);
    let paid = env.sandbox().ledger().generations.len();
    assert_eq!(daemon.wait(), 2, "{:?}", env.log_lines("log"));
    let log = env.log_lines("log").concat();
    assert!(log.contains("moved, removed or replaced"), "{log}");
    // One submission may have been in flight.
    let paid_since = env.sandbox().ledger().generations.len() - paid;
    assert!(paid_since <= 1, "{paid_since} more submissions");
}

#[test]
fn a_run_ends_when_its_state_folder_moves() {
    assert_run_ends(|env| fs::rename(env.path("state"), env.path("elsewhere")).unwrap());
}

#[test]
fn a_run_ends_when_its_state_folder_is_replaced() {
    assert_run_ends(|env| {
        fs::rename(env.path("state"), env.path("elsewhere")).unwrap();
        fs::create_dir(env.path("state")).unwrap();
        fs::write(env.path("state/lock"), "").unwrap();
        fs::write(env.path(DATABASE), "").unwrap();
    });
}

#[test]
fn a_run_ends_when_its_database_or_lock_is_removed() {
    assert_run_ends(|env| fs::remove_file(env.path(DATABASE)).unwrap());
    assert_run_ends(|env| fs::remove_file(env.path("state/lock")).unwrap());
}

#[test]
fn a_tilde_without_a_home_creates_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    fs::write(
        env.path("nightscribe.toml"),
        format!("[state]\ndir = '~/state'\n{config}"),
    )
    .unwrap();
    let refused = env.run(&["run", "--once"]);
    assert_eq!(refused.code, 2);
    let expected =
        "`state.dir`: `~` is the folder in the environment variable HOME, which is not set";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    let home: PathBuf = env.path("home");
    let done = run_command(env.command(&["run", "--once"]).env("HOME", &home));
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(home.join("state/nightscribe.db").exists());
    assert!(!env.path("~").exists());
}
