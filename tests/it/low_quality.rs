//! Transcripts of low confidence: their order in the list, and retries with another model.

use crate::harness::{TestEnv, settings};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, Executor};
use std::fs;
use std::time::{Duration, SystemTime};

const MODEL: &str = "nova-3-general";
const OTHER_SOURCE: &str = "
[[source]]
name = 'talks'
path = 'recordings'
settle = '0s'
model = 'nova-2-phonecall'
[source.options]
keywords = ['Zuse']
";

/// Sets the mean confidence of stored results. The sandbox gives all the same.
fn set_confidences(env: &TestEnv, confidences: &[(i64, f64)]) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(env.path("state/nightscribe.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut database = options.connect().await.unwrap();
        for (item, confidence) in confidences {
            let change = format!(
                "UPDATE results SET quality = json_set(quality, '$.confidence', {confidence}) WHERE job_id = {item}"
            );
            database.execute(sqlx::AssertSqlSafe(change)).await.unwrap();
        }
        database.close().await.unwrap();
    });
}

fn transcribed(count: u32, confidences: &[(i64, f64)]) -> TestEnv {
    let env = TestEnv::with_recordings(settings(), count);
    env.run_once(0);
    set_confidences(&env, confidences);
    env
}

fn json(env: &TestEnv, args: &[&str]) -> Value {
    let result = env.run(args);
    assert_eq!(result.code, 0, "{}", result.stderr);
    serde_json::from_str(&result.stdout).unwrap()
}

fn retry<'a>(extra: &[&'a str]) -> Vec<&'a str> {
    [&["retry", "--low-quality", "0.7", "--model", MODEL], extra].concat()
}

/// Returns the model that the written transcript names.
fn written_model(env: &TestEnv, name: &str) -> String {
    let envelope: Value = serde_json::from_str(&env.transcript(name)).unwrap();
    envelope["nightscribe"]["model"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_list_is_sorted_by_confidence() {
    let env = transcribed(3, &[(1, 0.9), (2, 0.4), (3, 0.6)]);
    env.add_recording("new.wav", 9);
    env.run(&["scan"]);
    let list = env.run(&["list", "--sort", "confidence"]).stdout;
    let ids: Vec<_> = list
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(ids, ["2", "3", "1", "4"], "{list}");
    assert!(
        list.lines().next().unwrap().contains("CONFIDENCE   LOW"),
        "{list}"
    );
    let worst = list.lines().nth(1).unwrap();
    assert!(worst.contains("0.40  0.99"), "{list}");
    let first = env
        .run(&["list", "--sort", "confidence", "--limit", "1", "--json"])
        .stdout;
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["quality"]["confidence"], 0.4);
    assert!(!env.run(&["list"]).stdout.contains("CONFIDENCE"));
}

#[test]
fn low_transcripts_are_replaced() {
    let env = transcribed(3, &[(1, 0.5), (2, 0.69), (3, 0.7)]);
    let count = env.run(&retry(&["--dry-run"]));
    assert_eq!(count.code, 0, "{}", count.stderr);
    assert!(
        count
            .stdout
            .starts_with("2 transcripts with a confidence below 0.7: 0h 00m of audio"),
        "{}",
        count.stdout
    );
    assert_eq!(env.items().len(), 3, "nothing is queued");
    let queued = json(&env, &retry(&["--json"]));
    assert_eq!(queued["items"], serde_json::json!([4, 5]));
    assert_eq!(queued["transcripts"], 2);
    // While they are under way, they are not queued again.
    assert_eq!(json(&env, &retry(&["--json"]))["transcripts"], 0);
    let result = env.run_once(0);
    assert!(
        result.stderr.contains("2 done") || env.count("done") == 5,
        "{}",
        result.stderr
    );
    assert_eq!(written_model(&env, "0.json"), MODEL);
    assert_eq!(written_model(&env, "2.json"), "#g1_nova-2-general");
    let item = json(&env, &["show", "4", "--json"]);
    assert_eq!(
        (&item["retry_of"], &item["set_aside"]),
        (&1.into(), &false.into())
    );
    assert_eq!(item["model"], MODEL);
    // The earlier result stays stored.
    let earlier = env.run(&["export", "1", "--format", "json", "--dir", "earlier"]);
    assert_eq!(earlier.code, 0, "{}", earlier.stderr);
    // Whatever its confidence is, the new transcript is not made again with the same model.
    set_confidences(&env, &[(4, 0.1)]);
    let again = json(&env, &retry(&["--json"]));
    assert_eq!(
        (&again["transcripts"], &again["tried"]),
        (&0.into(), &1.into())
    );
    assert_eq!(env.sandbox().ledger().generations.len(), 5);
}

#[test]
fn the_better_transcript_is_kept_on_request() {
    let env = transcribed(2, &[(1, 0.5), (2, 0.995)]);
    let text = env.transcript("1.json");
    let queued = env.run(&[
        "retry",
        "--low-quality",
        "1",
        "--model",
        MODEL,
        "--keep-better",
    ]);
    assert!(
        queued.stdout.ends_with("2 items queued\n"),
        "{}",
        queued.stdout
    );
    env.run_once(0);
    // The sandbox gives 0.99 to all words.
    assert_eq!(written_model(&env, "0.json"), MODEL);
    assert_eq!(env.transcript("1.json"), text);
    let aside = json(&env, &["show", "4", "--json"]);
    assert_eq!(
        (&aside["state"], &aside["set_aside"]),
        (&"done".into(), &true.into())
    );
    let show = env.run(&["show", "4"]).stdout;
    assert!(
        show.contains("retry of    item 2, whose transcript is better and stays"),
        "{show}"
    );
    let list = env.run(&["list"]).stdout;
    assert!(
        list.contains("the transcript of item 2 is better and stays"),
        "{list}"
    );
    // Later exports are of the better one. The other is exported on request.
    assert_eq!(env.run(&["export", "--all", "--format", "json"]).code, 0);
    assert_eq!(env.transcript("1.json"), text);
    let by_path = env.run(&["export", "1.wav", "--format", "json"]);
    assert_eq!(by_path.code, 0, "{}", by_path.stderr);
    assert_eq!(env.transcript("1.json"), text);
    let other = env.run(&["export", "4", "--format", "json", "--dir", "other"]);
    assert_eq!(other.code, 0, "{}", other.stderr);
    let other = fs::read_to_string(env.path("other/talks/1.json")).unwrap();
    assert!(other.contains(MODEL));
    assert_eq!(env.sandbox().ledger().generations.len(), 4);
}

#[test]
fn an_edited_transcript_is_kept() {
    let env = transcribed(1, &[(1, 0.5)]);
    fs::write(env.path("transcripts/talks/0.txt"), "corrected by hand\n").unwrap();
    env.run(&retry(&[]));
    env.run_once(0);
    assert_eq!(env.transcript("0.txt"), "corrected by hand\n");
    assert!(env.path("transcripts/talks/0.new.txt").exists());
    assert_eq!(written_model(&env, "0.json"), MODEL);
}

#[test]
fn a_failed_retry_leaves_the_transcript() {
    let mut failing = settings();
    failing.withdrawn_models = vec![MODEL.to_owned()];
    let env = TestEnv::with_recordings(failing, 1);
    env.run_once(0);
    set_confidences(&env, &[(1, 0.5)]);
    let text = env.transcript("0.json");
    env.run(&retry(&[]));
    env.run_once(1);
    assert_eq!(env.transcript("0.json"), text);
    assert_eq!(json(&env, &["show", "2", "--json"])["state"], "failed");
    assert_eq!(json(&env, &retry(&["--json"]))["tried"], 1);
}

#[test]
fn a_retry_keeps_its_model_and_is_under_the_budget() {
    let env = transcribed(2, &[(1, 0.5), (2, 0.5)]);
    env.configure_with("[budget]\nhours_per_run = 0.0001\n", OTHER_SOURCE);
    let queued = env.run(&retry(&[]));
    assert_eq!(queued.code, 0, "{}", queued.stderr);
    env.run(&["run", "--once"]);
    assert_eq!(env.count("queued"), 2, "the cap is exceeded");
    env.configure_with("", OTHER_SOURCE);
    let plan = env.run(&["plan"]).stdout;
    assert!(plan.contains(MODEL), "{plan}");
    env.run_once(0);
    assert_eq!(json(&env, &["show", "3", "--json"])["model"], MODEL);
    assert_eq!(written_model(&env, "0.json"), MODEL);
}

#[test]
fn a_changed_recording_is_no_retry() {
    let env = transcribed(1, &[(1, 0.5)]);
    env.run(&retry(&["--keep-better"]));
    env.add_recording("0.wav", 77);
    let file = fs::File::open(env.path("recordings/0.wav")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .unwrap();
    env.run_once(0);
    let item = json(&env, &["show", "2", "--json"]);
    assert_eq!(item["retry_of"], Value::Null);
    assert_eq!(item["model"], "#g1_nova-2-general");
}

#[test]
fn options_of_another_family_are_left_out() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with("", OTHER_SOURCE);
    env.run_once(0);
    set_confidences(&env, &[(1, 0.5)]);
    let queued = json(&env, &retry(&["--json"]));
    assert_eq!(queued["dropped_options"], serde_json::json!(["keywords"]));
    env.run_once(0);
    assert_eq!(
        json(&env, &["show", "2", "--json"])["options"],
        serde_json::json!({})
    );
}

#[test]
fn a_wrong_retry_costs_nothing() {
    let env = transcribed(1, &[]);
    let refused = |args: &[&str], message: &str| {
        let result = env.run(args);
        assert_eq!(result.code, 2, "{args:?}: {}", result.stdout);
        assert!(
            result.stderr.contains(message),
            "{args:?}: {}",
            result.stderr
        );
    };
    for below in ["0", "1.1", "-1", "NaN", "70%", "high"] {
        let below = format!("--low-quality={below}");
        refused(
            &["retry", &below, "--model", MODEL],
            "expected a confidence above 0 and at most 1, as in 0.7",
        );
    }
    refused(&["retry", "--low-quality", "0.7"], "--model");
    refused(&["retry", "--failed", "--keep-better"], "--low-quality");
    refused(
        &["retry", "1", "--low-quality", "0.7", "--model", MODEL],
        "cannot be used with",
    );
    refused(
        &[
            "retry",
            "--low-quality",
            "0.7",
            "--model",
            "nova-33-general",
        ],
        "`nightscribe models` lists the known models",
    );
    refused(&retry(&["--source", "tals"]), "there is no source `tals`");
    env.configure("[budget]\ncost_per_day = 1\n[prices]\n'nova-2-general' = 0.1\n");
    refused(&retry(&[]), "the price of `nova-3-general` is unknown");
    assert_eq!(env.items().len(), 1);
    let empty = TestEnv::new(settings());
    let none = empty.run(&retry(&[]));
    assert_eq!(
        (none.code, none.stderr.contains("no results yet")),
        (2, true)
    );
    empty.run(&["scan"]);
    let none = empty.run(&retry(&[]));
    assert!(
        none.stderr.contains("no transcript has a confidence"),
        "{}",
        none.stderr
    );
}
