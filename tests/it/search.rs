//! Search in transcripts.

use crate::harness::{CommandResult, TestEnv, set_mtime, settings};
use crate::spoken;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, Executor};
use std::fs;

/// Words of a speaker.
type Turn<'a> = (u32, &'a str);

/// Returns a result of the service with these turns. Each word takes a second.
fn result(turns: &[Turn<'_>]) -> Value {
    let mut words = Vec::new();
    for (speaker, text) in turns {
        for text in text.split(' ') {
            let start = words.len() as f64;
            words.push(spoken::word(text, start, start + 0.9, *speaker));
        }
    }
    spoken::result(&words)
}

/// Creates an environment with a transcript for each list of turns.
fn transcribed(transcripts: &[&[Turn<'_>]]) -> TestEnv {
    let count = u32::try_from(transcripts.len()).unwrap();
    let env = TestEnv::with_recordings(settings(), count);
    env.run_once(0);
    let numbered = transcripts.iter().enumerate();
    let results: Vec<_> = numbered
        .map(|(number, turns)| (number.to_string(), result(turns)))
        .collect();
    spoken::replace_results(&env, &results);
    env
}

/// Returns the answer to a query.
fn answer(env: &TestEnv, query: &str) -> Value {
    let result = env.run(&["search", "--json", "--limit", "100", query]);
    assert_eq!(result.code, 0, "{query}: {}", result.stderr);
    let answer: Value = serde_json::from_str(&result.stdout).unwrap();
    assert_eq!(answer["unindexed"], 0);
    answer
}

/// Returns the numbers of the recordings that are found, sorted.
fn found(env: &TestEnv, query: &str) -> Vec<String> {
    let answer = answer(env, query);
    let hits = answer["hits"].as_array().unwrap().iter();
    let mut names: Vec<_> = hits
        .map(|hit| hit["relative"].as_str().unwrap().replace(".wav", ""))
        .collect();
    names.sort();
    names
}

fn sql(env: &TestEnv, statements: &str) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(env.path("state/nightscribe.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut database = options.connect().await.unwrap();
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        database.execute(sqlx::raw_sql(statements)).await.unwrap();
        database.close().await.unwrap();
    });
}

/// Returns an error of a search, which has no answer.
fn refused(env: &TestEnv, args: &[&str]) -> String {
    let CommandResult {
        code,
        stdout,
        stderr,
    } = env.run(&[&["search"], args].concat());
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    stderr
}

#[test]
fn every_script_is_found() {
    let env = transcribed(&[
        &[(0, "Die Straße war gesperrt, wegen COVID-19. What?")],
        &[(0, "今日の会議は 下 一季 度の 予算 について")],
        &[(0, "วันนี้มีประชุมเรื่องงบประมาณ")],
        &[(0, "आज की बैठक हिन्दी में है")],
        &[(0, "هذا اجتماع عن مُحَمَّد")],
        &[(0, "Le café à Łódź, naïveté")],
        &[(0, "오늘 회의를 시작합니다")],
    ]);
    for (query, number) in [
        ("straße", "0"),
        ("STRASSE", "0"),
        ("COVID-19", "0"),
        ("covid", "0"),
        ("what?", "0"),
        ("gesp*", "0"),
        ("会議", "1"),
        ("季度", "1"),
        ("予算", "1"),
        ("\"下一季度の予算\"", "1"),
        ("議", "1"),
        ("ประชุม", "2"),
        ("งบ", "2"),
        ("हिन्दी", "3"),
        ("है", "3"),
        ("محمد", "4"),
        ("عن", "4"),
        ("cafe", "5"),
        ("LODZ naivete", "5"),
        ("회의를", "6"),
        ("회의*", "6"),
    ] {
        assert_eq!(found(&env, query), [number], "{query}");
    }
    for query in [
        "会室",
        "ประชา",
        "हिन",
        "회의",
        "covid-20",
        "\"gesperrt covid\"",
        "straß",
    ] {
        assert!(found(&env, query).is_empty(), "{query}");
    }
    let passage = &answer(&env, "予算")["hits"][0]["passages"][0];
    let text: Vec<_> = passage["text"].as_str().unwrap().chars().collect();
    let range = |name: &str| passage["matches"][0][name].as_u64().unwrap() as usize;
    assert_eq!(
        text[range("start")..range("end")]
            .iter()
            .collect::<String>(),
        "予算"
    );
}

#[test]
fn words_are_combined_and_filtered() {
    let env = transcribed(&[
        &[
            (0, "the quarterly budget is small"),
            (1, "we plan the quarterly costs"),
        ],
        &[(0, "a budget for every quarter"), (1, "and a plan")],
        &[(
            1,
            "nothing to plan about the budget and then some more words about all the costs",
        )],
    ]);
    let cases: [(&str, &[&str]); 22] = [
        ("budget", &["0", "1", "2"]),
        ("quarterly budget", &["0"]),
        ("\"budget is\"", &["0"]),
        ("\"quarterly plan\"", &[]),
        ("quart*", &["0", "1"]),
        ("qu*", &["0", "1"]),
        ("not* OR eve*", &["1", "2"]),
        ("co* sm*", &["0"]),
        ("th* nothing -quarterly", &["2"]),
        ("bu* -quarterly", &["1", "2"]),
        ("bu* speaker:\"speaker 2\"", &["2"]),
        ("\"quarterly bud\"*", &["0"]),
        ("quarter OR nothing", &["1", "2"]),
        ("plan quarter OR nothing", &["1", "2"]),
        ("plan -quarterly", &["1", "2"]),
        ("plan -\"to plan\" -quarter", &["0"]),
        ("NEAR(budget costs, 8)", &["0", "2"]),
        ("budget NEAR/5 costs", &[]),
        ("plan speaker:\"speaker 1\"", &[]),
        ("budget speaker:\"speaker 2\"", &["2"]),
        ("plan source:talks after:2020-01-01", &["0", "1", "2"]),
        ("plan before:2020-01-01", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(found(&env, query), expected, "{query}");
    }
    let best = answer(&env, "quarterly costs");
    let passage = &best["hits"][0]["passages"][0];
    assert_eq!(passage["speaker"], "Speaker 2");
    assert_eq!(
        (&passage["start_s"], &passage["end_s"]),
        (&json!(5.0), &json!(9.9))
    );
    assert_eq!(passage["text"], "we plan the quarterly costs");
    let shown = env
        .run(&["search", "--limit", "1", "quarterly", "costs"])
        .stdout;
    assert!(
        shown.contains("\n  00:00:05  Speaker 2: we plan the quarterly costs\n"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'));
}

#[test]
fn dates_and_languages_are_filters() {
    let env = TestEnv::with_recordings(settings(), 2);
    // Noon of 14 November 2023 in UTC, so that the day is the same in most time zones.
    set_mtime(&env.path("recordings/0.wav"), 1_699_963_200);
    let source = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n[source.options]\nlanguage = 'pt-BR'\n";
    env.configure_with("", source);
    env.run_once(0);
    assert_eq!(
        found(&env, "sandbox lang:pt before:2023-11-15 after:2023-11-14"),
        ["0"]
    );
    assert_eq!(found(&env, "sandbox lang:pt-BR after:2023-11-15"), ["1"]);
    assert!(found(&env, "sandbox lang:pt-PT").is_empty());
    assert_eq!(found(&env, "sandbox lang:de lang:portuguese").len(), 2);
}

#[test]
fn the_index_follows_names_and_replacements() {
    let env = transcribed(&[&[(0, "the Kubernets cluster"), (1, "is down")]]);
    assert_eq!(found(&env, "cluster speaker:\"speaker 1\""), ["0"]);
    assert_eq!(env.run(&["speakers", "1", "0=Anna Bo"]).code, 0);
    assert_eq!(found(&env, "cluster speaker:anna"), ["0"]);
    assert!(found(&env, "cluster speaker:\"speaker 1\"").is_empty());
    assert!(found(&env, "down speaker:anna").is_empty());
    let source = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n[source.replace]\nKubernets = 'Kubernetes'\n";
    env.configure_with("", source);
    assert_eq!(env.run(&["export", "--changed"]).code, 0);
    assert_eq!(found(&env, "\"kubernetes cluster\" speaker:anna"), ["0"]);
    assert!(found(&env, "kubernets").is_empty());
    assert_eq!(env.run(&["speakers", "1", "0="]).code, 0);
    assert!(found(&env, "cluster speaker:anna").is_empty());
}

#[test]
fn a_recording_has_one_entry() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run_once(0);
    assert_eq!(found(&env, "sandbox"), ["0", "1"]);
    env.add_recording("0.wav", 77);
    env.run_once(0);
    let items = |env: &TestEnv| {
        let answer = answer(env, "sandbox");
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["item"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(items(&env), [3, 2]);
    // A result that is not better is set aside.
    let retry = [
        "retry",
        "--low-quality",
        "1",
        "--model",
        "nova-3-general",
        "--keep-better",
    ];
    assert_eq!(env.run(&retry).code, 0);
    env.run_once(0);
    assert_eq!(env.count("done"), 5);
    assert_eq!(items(&env), [3, 2]);
}

#[test]
fn an_old_database_gets_its_index() {
    let env = TestEnv::with_recordings(settings(), 3);
    env.run_once(0);
    sql(
        &env,
        "DROP TRIGGER search_backlog_done; DROP TRIGGER search_backlog_named; DROP TRIGGER search_backlog_unnamed;
         DROP TABLE search_backlog; DROP TABLE search_entries;
         DROP TABLE transcript_search; DELETE FROM _sqlx_migrations WHERE version = 19",
    );
    assert_eq!(found(&env, "sandbox"), ["0", "1", "2"]);
    sql(
        &env,
        "DELETE FROM search_entries; INSERT INTO search_backlog (job_id) VALUES (1), (2), (3)",
    );
    env.run(&["pause"]);
    let mut daemon = env.start(&["run"]);
    env.wait_until("the daemon has indexed them", |env| {
        env.run(&["search", "--json", "sandbox"])
            .stdout
            .contains("\"unindexed\":0")
    });
    assert_eq!(found(&env, "sandbox").len(), 3);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn an_old_index_gets_its_beginnings() {
    let env = TestEnv::with_recordings(settings(), 3);
    env.run_once(0);
    sql(
        &env,
        "DROP TABLE search_beginnings; UPDATE search_entries SET digest = 0;
         DELETE FROM _sqlx_migrations WHERE version = 21",
    );
    assert_eq!(found(&env, "sa*"), ["0", "1", "2"]);
    assert_eq!(found(&env, "sa* sandbox"), ["0", "1", "2"]);
    assert!(found(&env, "zz*").is_empty());
}

#[test]
fn a_damaged_index_is_rebuilt() {
    let env = TestEnv::with_recordings(settings(), 3);
    env.run_once(0);
    let rebuilt = |continued: bool, indexed: u64| {
        let result = env.run(&["search", "--rebuild", "--json"]);
        assert_eq!(result.code, 0, "{}", result.stderr);
        let rebuilt: Value = serde_json::from_str(&result.stdout).unwrap();
        assert_eq!(rebuilt, json!({"indexed": indexed, "continued": continued}));
    };
    sql(
        &env,
        "INSERT INTO transcript_search (transcript_search) VALUES ('delete-all')",
    );
    assert!(found(&env, "sandbox").is_empty());
    rebuilt(false, 3);
    assert_eq!(found(&env, "sandbox"), ["0", "1", "2"]);
    // Interrupted when one transcript was left.
    sql(
        &env,
        "INSERT INTO search_backlog (job_id, is_rebuild) VALUES (2, 1)",
    );
    rebuilt(true, 1);
    assert_eq!(found(&env, "sandbox"), ["0", "1", "2"]);
}

#[test]
fn a_damaged_result_hides_no_other() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run_once(0);
    sql(&env, "UPDATE results SET raw = x'00' WHERE job_id = 1");
    let result = env.run(&["search", "--json", "sandbox"]);
    assert_eq!(result.code, 0, "{}", result.stderr);
    let answer: Value = serde_json::from_str(&result.stdout).unwrap();
    assert_eq!(answer["hits"].as_array().unwrap().len(), 1);
    assert!(result.stderr.contains("is damaged"), "{}", result.stderr);
}

#[test]
fn the_first_passage_is_played() {
    let env = transcribed(&[&[(0, "some words"), (1, "then the budget")]]);
    let script = "echo \"$1 $2 ${AIMLAPI_KEY-no key}\" > played; exit ${3-0}";
    let player = |status: &str| {
        env.configure(&format!(
            "[search]\nplayer = ['/bin/sh', '-c', '{script}', 'player', '{{start}}', '{{file}}'{status}]\n"
        ));
    };
    player("");
    let opened = env.run(&["search", "--open", "budget"]);
    assert_eq!(opened.code, 0, "{}", opened.stderr);
    let played = fs::read_to_string(env.path("played")).unwrap();
    let file = env.path("recordings/0.wav");
    assert_eq!(played.trim(), format!("2 {} no key", file.display()));
    assert_eq!(env.run(&["search", "--open", "nothing"]).code, 0);
    player(", '7'");
    let failed = env.run(&["search", "--open", "budget"]);
    assert_eq!(failed.code, 2);
    assert!(
        failed.stderr.contains("([search] player): exit status 7"),
        "{}",
        failed.stderr
    );
    env.configure("[search]\nplayer = ['mpv', '--start={start}']\n");
    let invalid = env.run(&["search", "budget"]);
    assert!(
        invalid.stderr.contains("expected `{file}` in an argument"),
        "{}",
        invalid.stderr
    );
}

#[test]
fn unusable_queries_are_refused() {
    let env = TestEnv::with_recordings(settings(), 1);
    assert!(refused(&env, &["words"]).contains("no results yet"));
    env.run_once(0);
    for (query, message) in [
        ("?!", "needs a word or phrase"),
        ("a \"b", "column 3 of the query: the quote is not closed"),
        ("a souce:talks", "did you mean `source`?"),
        (
            "a source:talk",
            "there is no source `talk`; did you mean `talks`?",
        ),
        ("a after:soon", "expects a day like 2026-11-01"),
    ] {
        let error = refused(&env, &[query]);
        assert!(error.contains(message), "{error}");
    }
    refused(&env, &[]);
    refused(&env, &["--limit", "0", "words"]);
    let nothing = env.run(&["search", "xyzzy"]);
    assert_eq!((nothing.code, &*nothing.stdout), (0, ""));
    assert!(
        nothing.stderr.contains("no transcript matches"),
        "{}",
        nothing.stderr
    );
}

/// Returns a violation if the search does not find exactly the present transcript of each recording. The sandbox says its own name
/// in each.
#[cfg(feature = "crash-points")]
pub fn violation(env: &TestEnv) -> Option<String> {
    let mut expected = std::collections::BTreeMap::new();
    for item in env.items() {
        if item["state"] == "done" && item["set_aside"] == false {
            expected.insert(item["path"].to_string(), item["id"].as_i64());
        }
    }
    let mut expected: Vec<_> = expected.into_values().collect();
    let answer = env
        .run(&["search", "--json", "--limit", "1000", "sandbox"])
        .stdout;
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    let hits = answer["hits"].as_array().into_iter().flatten();
    let mut found: Vec<_> = hits.map(|hit| hit["item"].as_i64()).collect();
    expected.sort_unstable();
    found.sort_unstable();
    (found != expected).then(|| format!("search finds {found:?} of {expected:?}"))
}
