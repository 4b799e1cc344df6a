//! The server of the Model Context Protocol: `mcp`.

pub mod client;

use crate::harness::{TestEnv, settings, signal};
use crate::schema_check::{assert_valid, folder};
use client::Client;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

const READING: [(&str, &str); 5] = [
    ("list", "item-list"),
    ("read_passage", "passage"),
    ("search", "search"),
    ("show", "item-details"),
    ("status", "status"),
];
const ACTIONS: [(&str, &str); 4] = [
    ("cancel", "cancel"),
    ("pause", "pause"),
    ("resume", "resume"),
    ("retry", "retry"),
];

/// Arguments that a tool requires.
const REQUIRED: [(&str, &[&str]); 4] = [
    ("cancel", &["ids"]),
    ("read_passage", &["item", "at_s"]),
    ("search", &["query"]),
    ("show", &["item"]),
];

/// Creates an environment in which two recordings are transcribed and one failed.
fn transcribed() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 2);
    fs::write(env.path("recordings/broken.wav"), "no sound").unwrap();
    env.run_once(1);
    env
}

/// Returns the ID of the item of a recording.
fn id_of(env: &TestEnv, name: &str) -> i64 {
    env.item(name)["id"].as_i64().unwrap()
}

/// Returns the tools by name.
fn tools(client: &mut Client) -> Vec<Value> {
    let listed = client.request("tools/list", json!({}));
    listed["tools"].as_array().unwrap().clone()
}

fn names(tools: &[Value]) -> BTreeSet<&str> {
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

#[test]
fn the_server_names_itself_and_its_tools() {
    let env = TestEnv::new(settings());
    let mut reader = Client::start(&env, &[]);
    assert_eq!(
        reader.server["serverInfo"],
        json!({ "name": "nightscribe", "version": env!("CARGO_PKG_VERSION") })
    );
    let instructions = reader.server["instructions"].as_str().unwrap();
    assert!(instructions.contains("--allow-actions"), "{instructions}");
    let reading = tools(&mut reader);
    assert_eq!(names(&reading), READING.map(|(name, _)| name).into());
    let mut actor = Client::start(&env, &["--allow-actions"]);
    let all = tools(&mut actor);
    let expected: Vec<_> = READING.into_iter().chain(ACTIONS).collect();
    assert_eq!(all.len(), expected.len());
    for (name, schema) in expected {
        let tool = all.iter().find(|tool| tool["name"] == name).unwrap();
        let file = fs::read_to_string(folder().join(format!("{schema}.json"))).unwrap();
        let documented: Value = serde_json::from_str(&file).unwrap();
        assert_eq!(tool["outputSchema"], documented, "{name}");
        let arguments = &tool["inputSchema"];
        assert_eq!(arguments["type"], "object", "{name}");
        let required = REQUIRED.iter().find(|(tool, _)| *tool == name);
        let required = required.map_or(Value::Null, |(_, names)| json!(names));
        assert_eq!(arguments["required"], required, "{name}");
        let is_reading = READING.iter().any(|(reading, _)| *reading == name);
        assert_eq!(tool["annotations"]["readOnlyHint"], is_reading, "{name}");
        assert!(tool["description"].as_str().unwrap().len() > 20, "{name}");
    }
}

#[test]
fn tools_answer_as_the_commands() {
    let env = transcribed();
    let mut client = Client::start(&env, &[]);
    let (good, broken) = (id_of(&env, "0.wav"), id_of(&env, "broken.wav"));
    let list = client.call("list", json!({}));
    assert_valid("item-list", &list);
    let mut newest_first = env.items();
    newest_first.reverse();
    assert_eq!(list["items"], json!(newest_first));
    let first = client.call("list", json!({ "limit": 2 }));
    let rest = client.call("list", json!({ "before": first["next_before"] }));
    assert_eq!(rest["items"], json!([newest_first[2]]));
    let failed = client.call(
        "list",
        json!({ "states": ["failed"], "error": "unsupported", "sort": "path", "since": "2020-01-01T00:00:00Z" }),
    );
    assert_eq!(failed["items"][0]["id"], broken);
    let shown = env.run(&["show", "--json", &good.to_string()]).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(client.call("show", json!({ "item": good })), shown);
    let status = client.call("status", json!({}));
    assert_valid("status", &status);
    assert_eq!(status["counts"], env.status()["counts"]);
}

#[test]
fn a_phrase_is_found_and_read_on_from_there() {
    let env = transcribed();
    let text = env.transcript("0.txt");
    let word = text.split_whitespace().find(|word| word.len() > 4).unwrap();
    let word: String = word.chars().filter(|char| char.is_alphabetic()).collect();
    let mut client = Client::start(&env, &[]);
    let found = client.call("search", json!({ "query": word, "passages": 1 }));
    assert_valid("search", &found);
    let hits = found["hits"].as_array().unwrap();
    let hit = hits.iter().find(|hit| hit["relative"] == "0.wav").unwrap();
    assert_eq!(hit["passages"].as_array().unwrap().len(), 1);
    let start = &hit["passages"][0]["start_s"];
    let passage = client.call(
        "read_passage",
        json!({ "item": hit["item"], "at_s": start, "around_s": 5 }),
    );
    assert_valid("passage", &passage);
    let paragraphs = passage["paragraphs"].as_array().unwrap();
    let said: Vec<_> = paragraphs
        .iter()
        .map(|one| one["text"].as_str().unwrap())
        .collect();
    assert!(said.join(" ").contains(&word), "{word}: {passage}");
    assert_eq!(passage["relative"], "0.wav");
    let one = client.call("search", json!({ "query": word, "limit": 1 }));
    assert_eq!(one["hits"].as_array().unwrap().len(), 1);
}

#[test]
fn mistakes_are_answered_with_a_reason() {
    let env = transcribed();
    let broken = id_of(&env, "broken.wav");
    let mut client = Client::start(&env, &["--allow-actions"]);
    let before = env.items();
    for (tool, arguments, reason) in [
        ("show", json!({ "item": 99 }), "there is no item `99`"),
        ("show", json!({}), "missing field `item`"),
        ("show", json!({ "item": "x" }), "expected i64"),
        ("show", json!({ "item": 1, "id": 1 }), "unknown field `id`"),
        ("search", json!({ "query": "\"open" }), "quot"),
        (
            "search",
            json!({ "query": "source:none x" }),
            "there is no source `none`",
        ),
        ("search", json!({ "query": "x", "limit": 0 }), "`limit`"),
        ("search", json!({ "query": "x", "limit": 51 }), "`limit`"),
        (
            "search",
            json!({ "query": "x", "passages": 11 }),
            "`passages`",
        ),
        ("list", json!({ "limit": 201 }), "`limit`"),
        ("list", json!({ "offset": 10_001 }), "`offset`"),
        (
            "list",
            json!({ "states": ["lost"] }),
            "unknown variant `lost`",
        ),
        ("list", json!({ "sort": "size" }), "`sort`"),
        ("list", json!({ "error": "none" }), "`error`"),
        (
            "list",
            json!({ "since": "yesterday" }),
            "failed to deserialize",
        ),
        (
            "list",
            json!({ "source": "none" }),
            "there is no source `none`",
        ),
        (
            "read_passage",
            json!({ "item": 99, "at_s": 0 }),
            "there is no item `99`",
        ),
        (
            "read_passage",
            json!({ "item": broken, "at_s": 0 }),
            "has no transcript",
        ),
        ("read_passage", json!({ "item": 1, "at_s": -1 }), "`at_s`"),
        (
            "read_passage",
            json!({ "item": 1, "at_s": 1e300 }),
            "`at_s`",
        ),
        (
            "read_passage",
            json!({ "item": 1, "at_s": 0, "around_s": 901 }),
            "`around_s`",
        ),
        ("retry", json!({}), "is required"),
        (
            "retry",
            json!({ "source": "none" }),
            "there is no source `none`",
        ),
        ("retry", json!({ "submit_anyway": true }), "unknown field"),
        ("cancel", json!({ "ids": "all" }), "invalid type"),
        ("pause", json!({ "until": "tomorrow" }), "`until`"),
    ] {
        let refusal = client.refusal(tool, arguments.clone());
        assert!(refusal.contains(reason), "{tool} {arguments}: {refusal}");
    }
    assert_eq!(env.items(), before);
    assert_eq!(env.status()["holds"], json!([]));
}

#[test]
fn nothing_is_changed_unless_it_is_allowed() {
    let env = transcribed();
    let before = env.items();
    let mut client = Client::start(&env, &[]);
    for (tool, _) in ACTIONS {
        let arguments = json!({ "ids": [id_of(&env, "broken.wav")] });
        let response = client.response(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        );
        assert_eq!(response["error"]["code"], -32602, "{tool}: {response}");
    }
    assert_eq!(env.items(), before);
    assert_eq!(env.status()["holds"], json!([]));
}

#[test]
fn allowed_actions_change_the_queue() {
    let env = transcribed();
    let broken = id_of(&env, "broken.wav");
    let mut client = Client::start(&env, &["--allow-actions"]);
    let mut call = |tool: &str, arguments: Value| {
        let answer = client.call(tool, arguments);
        assert_valid(tool, &answer);
        answer
    };
    assert_eq!(
        call("pause", json!({ "until": "06:00" }))["is_paused"],
        true
    );
    assert_eq!(env.status()["holds"][0]["kind"], "operator");
    assert_eq!(call("resume", json!({}))["is_resumed"], true);
    assert_eq!(env.status()["holds"], json!([]));
    let retried = call("retry", json!({ "ids": [broken, 99] }));
    assert_eq!(retried["items"], json!([broken]));
    assert_eq!(retried["refused"], json!([{ "item": 99, "state": null }]));
    assert_eq!(
        call("cancel", json!({ "ids": [broken] }))["items"],
        json!([broken])
    );
    assert_eq!(env.item("broken.wav")["state"], "cancelled");
}

#[test]
fn without_a_queue_there_is_nothing_to_read() {
    let env = TestEnv::new(settings());
    let mut client = Client::start(&env, &[]);
    assert_eq!(client.call("status", json!({}))["has_queue"], false);
    assert_eq!(client.call("list", json!({}))["items"], json!([]));
    let refusal = client.refusal("search", json!({ "query": "x" }));
    assert!(refusal.contains("no results yet"), "{refusal}");
    client.refusal("read_passage", json!({ "item": 1, "at_s": 0 }));
    assert!(!env.path("state").exists());
}

#[test]
fn it_works_beside_a_daemon() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut client = Client::start(&env, &[]);
    assert_eq!(client.call("status", json!({}))["runner"], Value::Null);
    let _daemon = env.start(&["run"]);
    env.wait_until("a transcript", |env| {
        env.path("transcripts/talks/0.txt").exists() && env.count("done") == 1
    });
    let status = client.call("status", json!({}));
    assert_eq!(status["counts"]["done"], 1);
    assert!(status["runner"]["pid"].is_u64(), "{status}");
    env.add_recording("later.wav", 9);
    env.wait_until("a second transcript", |env| env.count("done") == 2);
    assert_eq!(
        client.call("list", json!({ "states": ["done"] }))["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn it_ends_when_standard_input_is_closed() {
    let env = transcribed();
    let mut client = Client::start(&env, &["-vv"]);
    let calls: Vec<_> = (0..3)
        .map(|_| client.send_request("tools/call", json!({ "name": "list", "arguments": {} })))
        .collect();
    client.close();
    // Calls that it has received are answered.
    let mut answered: Vec<_> = std::iter::from_fn(|| client.next_message())
        .map(|message| message["id"].as_u64().unwrap())
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, calls);
    assert_eq!(client.wait(), Some(0));
    let mut silent = Client::start_silent(&mut env.command(&["mcp"]));
    silent.close();
    assert_eq!((silent.next_message(), silent.wait()), (None, Some(0)));
}

#[test]
fn a_signal_ends_it() {
    let env = TestEnv::new(settings());
    for name in ["TERM", "INT"] {
        let mut client = Client::start(&env, &[]);
        signal(&client.child, name);
        assert_eq!(
            (client.next_message(), client.wait()),
            (None, Some(0)),
            "{name}"
        );
    }
}

#[test]
fn a_client_without_the_protocol_is_refused() {
    let env = TestEnv::new(settings());
    // Without `initialize`, the protocol of 2026-07-28 requires facts about the client in each request.
    let mut stranger = Client::start_silent(&mut env.command(&["mcp"]));
    let response = stranger.response("tools/list", json!({}));
    assert_eq!(response["error"]["code"], -32602, "{response}");
    let mut command = env.command(&["mcp"]);
    let mut answering = Client::start_silent(&mut command);
    answering.send(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} }).to_string());
    assert_eq!(
        (answering.next_message(), answering.wait()),
        (None, Some(2))
    );
    fs::remove_file(env.path("nightscribe.toml")).unwrap();
    assert_eq!(env.run(&["mcp"]).code, 2);
}

#[test]
fn a_line_that_is_no_message_stops_nothing() {
    let env = TestEnv::new(settings());
    let mut client = Client::start(&env, &[]);
    client.send("this is not JSON");
    client.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unknown\"}");
    let id = client.send_request("tools/call", json!({ "name": "status", "arguments": {} }));
    let answer = std::iter::from_fn(|| client.next_message()).find(|message| message["id"] == id);
    assert_eq!(answer.unwrap()["result"]["isError"], false);
}
