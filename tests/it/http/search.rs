//! The page that searches transcripts.

use super::client::Server;
use super::id_of;
use crate::harness::{TestEnv, settings};
use crate::spoken::{replace_results, result, word};
use std::fs;

/// Creates an environment with two talks. One has hostile words.
fn talks() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run_once(0);
    let budget = [
        word("Das", 61.5, 61.75, 0),
        word("Budget", 62.0, 62.25, 0),
        word("steigt.", 62.5, 63.0, 0),
    ];
    let hostile = [
        word("<b>", 0.0, 0.5, 0),
        word("Umlage</mark>", 1.0, 1.5, 0),
        word("<script>", 2.0, 2.5, 0),
    ];
    let results = [
        ("0".to_owned(), result(&budget)),
        ("1".to_owned(), result(&hostile)),
    ];
    replace_results(&env, &results);
    env
}

#[test]
fn a_passage_is_found_with_a_link_to_its_moment() {
    let env = talks();
    env.configure("[http]\nbase_path = '/ns'\n");
    let server = Server::start(&env);
    let form = server.get("/ns/search").body;
    assert!(
        form.contains("action=\"/ns/search\"") && !form.contains("class=\"hits\""),
        "{form}"
    );
    let body = server.get("/ns/search?q=budget").body;
    let page = format!("/ns/recordings/{}/read", id_of(&env, "0.wav"));
    for expected in [
        format!("<a href=\"{page}\">0.wav</a>"),
        "<mark>Budget</mark>".to_owned(),
        format!("href=\"{page}#t=61.5\" aria-label=\"Play from 1:01\""),
        "value=\"budget\"".to_owned(),
    ] {
        assert!(body.contains(&expected), "{expected}\n{body}");
    }
    assert!(!body.contains("1.wav"), "{body}");
}

#[test]
fn queries_and_words_stay_text() {
    let env = talks();
    let server = Server::start(&env);
    let body = server.get("/search?q=umlage").body;
    assert!(body.contains("&#60;b&#62; <mark>Umlage"), "{body}");
    let query = "/search?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for body in [body, server.get(query).body] {
        assert_eq!(body.matches("<script").count(), 1, "{body}");
        assert!(!body.contains("<b>"), "{body}");
        assert_eq!(
            body.matches("<mark>").count(),
            body.matches("</mark>").count(),
            "{body}"
        );
    }
}

#[test]
fn a_search_without_results_says_why() {
    let env = TestEnv::new(settings());
    let server = Server::start(&env);
    let body = server.get("/search?q=budget").body;
    assert!(body.contains("There are no transcripts yet."), "{body}");
    assert!(!env.path("state").exists());
    let env = talks();
    let server = Server::start(&env);
    for (query, message) in [
        ("nothing", "No transcript matches."),
        ("%22budget", "quot"),
        ("-budget", "class=\"error\""),
        ("before:x+budget", "class=\"error\""),
        ("source:none+budget", "class=\"error\""),
    ] {
        let page = server.get(&format!("/search?q={query}"));
        assert_eq!(page.status, 200, "{query}");
        assert!(page.body.contains(message), "{query}: {}", page.body);
        assert!(
            !page.body.contains("class=\"hits\""),
            "{query}: {}",
            page.body
        );
    }
    let long = "a".repeat(5000);
    assert!(server.get(&format!("/search?q={long}")).status < 500);
    // A recording that is gone is still found.
    fs::remove_file(env.path("recordings/0.wav")).unwrap();
    assert!(
        server
            .get("/search?q=budget")
            .body
            .contains("<mark>Budget</mark>")
    );
}

#[test]
fn ten_transcripts_are_shown_and_a_link_to_more() {
    let env = TestEnv::with_recordings(settings(), 11);
    env.run_once(0);
    let words = [word("Budget", 1.0, 2.0, 0)];
    let results: Vec<_> = (0..11)
        .map(|number| (number.to_string(), result(&words)))
        .collect();
    replace_results(&env, &results);
    let server = Server::start(&env);
    let hits = |path: &str| {
        let body = server.get(path).body;
        (
            body.matches("<mark>").count(),
            body.contains("More transcripts"),
        )
    };
    assert_eq!(hits("/search?q=budget"), (10, true));
    let body = server.get("/search?q=budget").body;
    assert!(
        body.contains("href=\"/search?q=budget&#38;limit=20\""),
        "{body}"
    );
    assert_eq!(hits("/search?q=budget&limit=20"), (11, false));
}
