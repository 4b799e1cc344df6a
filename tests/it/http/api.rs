//! The interface for programs: the objects of the commands, and errors as JSON.

use super::client::Server;
use super::{id_of, transcribed};
use crate::harness::{TestEnv, settings};
use crate::schema_check::assert_valid;
use nightscribe_sandbox::Settings;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};

#[test]
fn answers_are_those_of_the_commands() {
    let env = transcribed();
    let server = Server::start(&env);
    let id = id_of(&env, "good.wav");
    let list = server.get("/api/v1/items").json();
    let items = list["items"].as_array().unwrap();
    items.iter().for_each(|item| assert_valid("item", item));
    let mut newest_first = env.items();
    newest_first.reverse();
    assert_eq!(items, &newest_first);
    let show = server.get(&format!("/api/v1/items/{id}")).json();
    assert_valid("item-details", &show);
    assert_eq!(show["history"][0]["outcome"], "completed");
    let status = server.get("/api/v1/status").json();
    assert_valid("status", &status);
    assert_eq!(status["counts"], env.status()["counts"]);
    let speakers = server.get(&format!("/api/v1/items/{id}/speakers")).json();
    assert_valid("speakers", &speakers);
    let made = server.get(&format!("/api/v1/items/{id}/transcripts/md"));
    assert!(made.body.contains("good.wav"), "{}", made.body);
    let text = server.get(&format!("/api/v1/items/{id}/transcripts/txt"));
    assert_eq!(text.body, env.transcript("good.txt"));
    let description = server.get("/api/v1/openapi.json").json();
    assert_eq!(description["openapi"], "3.1.0");
}

#[test]
fn lists_are_filtered_and_paged() {
    let env = TestEnv::with_recordings(settings(), 5);
    env.run_once(0);
    let server = Server::start(&env);
    let ids = |list: &Value| {
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|item| item["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let first = server.get("/api/v1/items?limit=2").json();
    let before = first["next_before"].as_i64().unwrap();
    let second = server
        .get(&format!("/api/v1/items?limit=3&before={before}"))
        .json();
    assert_eq!([ids(&first), ids(&second)].concat(), [5, 4, 3, 2, 1]);
    assert_eq!(second["next_before"], Value::Null);
    let first = server.get("/api/v1/items?limit=4&sort=oldest").json();
    assert_eq!(
        (ids(&first), &first["next_offset"]),
        (vec![1, 2, 3, 4], &json!(4))
    );
    let second = server
        .get("/api/v1/items?limit=4&sort=oldest&offset=4")
        .json();
    assert_eq!(
        (ids(&second), &second["next_offset"]),
        (vec![5], &Value::Null)
    );
    let done = server
        .get("/api/v1/items?state=done&state=failed&search=3.wav")
        .json();
    assert_eq!(done["items"][0]["relative"], "3.wav");
    for query in [
        "limit=0",
        "limit=201",
        "offset=10001",
        "state=x",
        "sort=x",
        "page=1",
        "before=x",
    ] {
        let refused = server.get(&format!("/api/v1/items?{query}"));
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(
            refused.header("content-type"),
            "application/problem+json",
            "{query}"
        );
        assert_eq!(refused.json()["status"], 400, "{query}");
    }
}

#[test]
fn actions_change_the_queue() {
    let env = transcribed();
    let server = Server::start(&env);
    let (good, broken) = (id_of(&env, "good.wav"), id_of(&env, "broken.wav"));
    let post = |path: &str, body: Value| {
        let response = server.json("POST", &format!("/api/v1{path}"), &body);
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.json()
    };
    let paused = post("/pause", json!({ "until": "06:00" }));
    assert_valid("pause", &paused);
    assert_eq!(env.status()["holds"][0]["kind"], "operator");
    let resumed = post("/resume", json!({}));
    assert_valid("resume", &resumed);
    assert_eq!(resumed["is_resumed"], true);
    let retried = post("/items/retry", json!({ "ids": [good, broken, 99] }));
    assert_valid("retry", &retried);
    assert_eq!(retried["items"], json!([broken]));
    assert_eq!(retried["refused"][1], json!({ "item": 99, "state": null }));
    let cancelled = post("/items/cancel", json!({ "ids": [broken] }));
    assert_valid("cancel", &cancelled);
    assert_eq!(cancelled["items"], json!([broken]));
    let exported = post(
        "/items/export",
        json!({ "ids": [good, good], "formats": ["md"] }),
    );
    assert_valid("export", &exported["results"][0]);
    assert_eq!(exported["results"].as_array().unwrap().len(), 1);
    assert!(env.path("transcripts/talks/good.md").exists());
    let added = post(
        "/items",
        json!({ "urls": ["https://example.org/a.mp3", "/etc/passwd"] }),
    );
    let kinds = added["results"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|result| result["kind"].clone()).collect();
    assert_eq!(kinds, ["queued", "refused"]);
    added["results"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|one| assert_valid("add", one));
}

#[test]
fn bad_requests_get_a_reason_and_change_nothing() {
    let env = transcribed();
    let server = Server::start(&env);
    let before = env.items();
    for (method, path, body, status) in [
        ("POST", "/items/retry", json!({}), 400),
        (
            "POST",
            "/items/retry",
            json!({ "as_is": true, "failed": true }),
            400,
        ),
        ("POST", "/items/retry", json!({ "error": "x" }), 400),
        (
            "POST",
            "/items/retry",
            json!({ "ids": [], "failed": true }),
            400,
        ),
        ("POST", "/items/retry", json!({ "source": "x" }), 404),
        ("POST", "/items/retry", json!({ "id": 1 }), 400),
        ("POST", "/items/cancel", json!({ "ids": "all" }), 400),
        ("POST", "/items/cancel", json!([]), 400),
        ("POST", "/resume", json!([]), 400),
        (
            "POST",
            "/items/export",
            json!({ "ids": [1], "formats": [] }),
            400,
        ),
        (
            "POST",
            "/items/export",
            json!({ "ids": [1], "formats": ["exe"] }),
            400,
        ),
        ("POST", "/pause", json!({ "until": "tomorrow" }), 400),
        (
            "PUT",
            "/items/1/speakers",
            json!({ "names": { "7": "Anna" } }),
            422,
        ),
        ("PUT", "/items/x/speakers", json!({ "names": {} }), 404),
        ("GET", "/items/99", Value::Null, 404),
        ("GET", "/items/9223372036854775808", Value::Null, 404),
        ("GET", "/items/99/speakers", Value::Null, 404),
        ("GET", "/nothing", Value::Null, 404),
        ("DELETE", "/items/1", Value::Null, 405),
    ] {
        let response = server.json(method, &format!("/api/v1{path}"), &body);
        assert_eq!(
            response.status, status,
            "{method} {path} {body}: {}",
            response.body
        );
        if status != 405 {
            assert!(
                response.json()["detail"].as_str().unwrap().len() > 5,
                "{path}"
            );
        }
    }
    let text = server.send(
        "POST",
        "/api/v1/pause",
        &[("Content-Type", "text/plain")],
        "{}",
    );
    assert_eq!(text.status, 415);
    assert_eq!(env.items(), before);
    assert_eq!(env.status()["holds"].as_array().unwrap().len(), 0);
}

#[test]
fn events_tell_changes() {
    let env = transcribed();
    let server = Server::start(&env);
    let stream = server.open("GET", "/api/v1/events", &[], "");
    let mut data = BufReader::new(stream)
        .lines()
        .filter_map(|line| line.unwrap().strip_prefix("data: ").map(str::to_owned))
        .map(|data| serde_json::from_str::<Value>(&data).unwrap());
    let first = data.next().unwrap();
    assert_valid("status", &first);
    assert_eq!(first["holds"], json!([]));
    env.run(&["pause"]);
    assert_eq!(data.next().unwrap()["holds"][0]["kind"], "operator");
}

#[test]
fn an_item_that_fails_again_is_an_event() {
    let env = transcribed();
    let server = Server::start(&env);
    let stream = server.open("GET", "/api/v1/events", &[], "");
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut data = lines.filter(|line| line.starts_with("data: "));
    data.next().unwrap();
    // The status may be the same before and after it.
    env.run(&["retry", &id_of(&env, "broken.wav").to_string()]);
    env.run_once(1);
    data.next().unwrap();
}

#[test]
fn metrics_follow_the_queue() {
    let env = transcribed();
    let server = Server::start(&env);
    let metrics = server.get("/metrics");
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let line = |text: &str, name: &str| text.lines().any(|line| line == name);
    for expected in [
        "nightscribe_items{source=\"talks\",state=\"done\"} 2",
        "nightscribe_items{source=\"talks\",state=\"failed\"} 1",
        "nightscribe_submissions_total{model=\"#g1_nova-2-general\",outcome=\"completed\"} 2",
        "nightscribe_result_latency_seconds_count{model=\"#g1_nova-2-general\"} 2",
        "nightscribe_result_latency_seconds_bucket{le=\"+Inf\",model=\"#g1_nova-2-general\"} 2",
        "nightscribe_hold_active{kind=\"operator\"} 0",
        "nightscribe_runner_active 0",
        "# EOF",
    ] {
        assert!(
            line(&metrics.body, expected),
            "{expected}\n{}",
            metrics.body
        );
    }
    env.run(&["pause"]);
    env.add_recording("later.wav", 9);
    env.run(&["resume"]);
    env.run_once(0);
    let again = server.get("/metrics").body;
    let total =
        "nightscribe_submissions_total{model=\"#g1_nova-2-general\",outcome=\"completed\"} 3";
    assert!(line(&again, total), "{again}");
}

#[test]
fn a_failing_model_is_a_metric_while_it_fails() {
    let model = "#g1_nova-2-drivethru";
    let env = TestEnv::with_recordings(
        Settings {
            failing_models: vec![model.to_owned()],
            ..settings()
        },
        5,
    );
    let source = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";
    env.configure_with("", &format!("{source}model = '{model}'\n"));
    let server = Server::start(&env);
    let mut run = env.start(&["run"]);
    let breaker = |value: u32| {
        let line =
            format!("nightscribe_model_breaker_tripped{{model=\"nova-2-drivethru\"}} {value}\n");
        server.get("/metrics").body.contains(&line)
    };
    env.wait_until("the breaker", |_| breaker(1));
    run.signal("TERM");
    assert_eq!(run.wait(), 0);
    assert!(breaker(0), "{}", server.get("/metrics").body);
}
