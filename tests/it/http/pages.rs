//! The pages: what they show, and that nothing in them is more than text.

use super::client::Server;
use super::{HOSTILE, id_of, transcribed};
use crate::harness::{TestEnv, settings};
use serde_json::{Value, json};
use std::fs;

#[test]
fn each_page_answers_with_all_headers() {
    let env = transcribed();
    let server = Server::start(&env);
    let good = format!("/recordings/{}", id_of(&env, "good.wav"));
    for (path, status, content_type) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/recordings", 200, "text/html; charset=utf-8"),
        (&good, 200, "text/html; charset=utf-8"),
        ("/recordings/999", 404, "text/html; charset=utf-8"),
        ("/recordings/x", 404, "text/html; charset=utf-8"),
        (&format!("{good}/read"), 200, "text/html; charset=utf-8"),
        (&format!("{good}/sound"), 200, "audio/wav"),
        ("/search?q=a", 200, "text/html; charset=utf-8"),
        ("/assets/reading.js", 200, "text/javascript; charset=utf-8"),
        ("/recordings?source=none", 404, "text/html; charset=utf-8"),
        ("/nothing", 404, "text/html; charset=utf-8"),
        ("/assets/page.css", 200, "text/css; charset=utf-8"),
        ("/assets/page.js", 200, "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", 200, "image/svg+xml"),
        ("/assets/../nightscribe.toml", 404, ""),
        ("/assets/nothing", 404, ""),
        ("/healthz", 200, "text/plain; charset=utf-8"),
        ("/readyz", 200, "text/plain; charset=utf-8"),
    ] {
        let response = server.get(path);
        assert_eq!(response.status, status, "{path}");
        let found = response.header("content-type");
        assert!(
            found == content_type || content_type.is_empty(),
            "{path}: {found}"
        );
        assert_eq!(
            response.header("x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(response.header("referrer-policy"), "same-origin", "{path}");
        let policy = response.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        // Neither scripts nor styles are in the pages, which the policy would block.
        for inline in ["<style", "style=", "onclick", "javascript:"] {
            assert!(
                !response.body.contains(inline) || path.contains("assets"),
                "{path}: {inline}"
            );
        }
    }
}

#[test]
fn a_page_without_a_queue_is_empty() {
    let env = TestEnv::new(settings());
    let server = Server::start(&env);
    let tonight = server.get("/");
    assert_eq!(tonight.status, 200);
    assert!(tonight.body.contains("Not running"), "{}", tonight.body);
    assert!(
        server
            .get("/recordings")
            .body
            .contains("No recordings match")
    );
    assert!(!env.path("state").exists());
}

#[test]
fn hostile_names_stay_text() {
    let env = transcribed();
    let server = Server::start(&env);
    let page = format!("/recordings/{}", id_of(&env, HOSTILE));
    let query = "/recordings?search=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&language=%22%3E%3Cb%3E";
    for path in [
        "/recordings",
        &page,
        query,
        "/nothing/<script>alert(1)",
        "/login?next=\"><script>",
    ] {
        let body = server.get(path).body;
        let scripts = body.matches("<script").count();
        assert!(scripts <= 1, "{path}: {body}");
        assert_eq!(
            scripts,
            body.matches("page.js\" defer").count(),
            "{path}: {body}"
        );
        assert!(!body.contains("<b>"), "{path}: {body}");
    }
    let escaped = "&#60;script&#62;alert(&#39;x&#39;)&#60;&#38;amp;&#34;.wav";
    assert!(server.get(&page).body.contains(escaped));
}

#[test]
fn recordings_are_filtered_sorted_and_paged() {
    let env = TestEnv::with_recordings(settings(), 60);
    std::fs::write(env.path("recordings/broken.wav"), "no sound").unwrap();
    env.run_once(1);
    let server = Server::start(&env);
    let rows = |path: &str| {
        let body = server.get(path).body;
        let names = body.split("aria-label=\"Select ").skip(1);
        names
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows("/recordings").len(), 50);
    let first = server.get("/recordings").body;
    let next = first
        .split("href=\"")
        .find(|rest| rest.contains("rel=\"next\""))
        .unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let (newest, older) = (rows("/recordings"), rows(&next));
    assert_eq!(older.len(), 11);
    assert!(older.iter().all(|name| !newest.contains(name)));
    assert_eq!(rows("/recordings?state=failed"), ["broken.wav"]);
    assert_eq!(rows("/recordings?error=unsupported"), ["broken.wav"]);
    assert_eq!(rows("/recordings?search=17.WAV"), ["17.wav"]);
    assert_eq!(rows("/recordings?language=en").len(), 0);
    assert_eq!(rows("/recordings?low=1").len(), 0);
    let by_path = rows("/recordings?sort=path");
    assert_eq!((by_path[0].as_str(), by_path.len()), ("0.wav", 50));
    assert_eq!(rows("/recordings?sort=path&offset=50").len(), 11);
}

#[test]
fn transcripts_are_downloaded_by_item_and_format() {
    let env = transcribed();
    let server = Server::start(&env);
    let id = id_of(&env, "good.wav");
    let response = server.get(&format!("/recordings/{id}/transcript/txt"));
    assert_eq!(response.status, 200);
    assert_eq!(response.body, env.transcript("good.txt"));
    assert_eq!(
        response.header("content-disposition"),
        "attachment; filename*=UTF-8''good%2Etxt"
    );
    for path in [
        format!("/recordings/{id}/transcript/pdf"),
        format!("/recordings/{id}/transcript/..%2F..%2Fnightscribe.toml"),
        format!("/recordings/{}/transcript/txt", id_of(&env, "broken.wav")),
        "/recordings/..%2F..%2F/transcript/txt".to_owned(),
        "/recordings/999/transcript/txt".to_owned(),
    ] {
        assert_eq!(server.get(&path).status, 404, "{path}");
    }
    // A file that is gone, and formats that were never written, are made of the stored result.
    let text = env.transcript("good.txt");
    fs::remove_file(env.path("transcripts/talks/good.txt")).unwrap();
    let gone = server.get(&format!("/recordings/{id}/transcript/txt"));
    assert_eq!((gone.status, &gone.body), (200, &text));
    assert_eq!(gone.header("content-type"), "text/plain; charset=utf-8");
    let page = server.get(&format!("/recordings/{id}")).body;
    for format in ["md", "docx", "podcast", "html"] {
        let path = format!("/recordings/{id}/transcript/{format}");
        assert!(page.contains(&path), "{format}: {page}");
        let rendered = server.get(&path);
        assert_eq!(rendered.status, 200, "{format}");
        assert!(!rendered.bytes.is_empty(), "{format}");
    }
    let written = env.file_names("transcripts/talks");
    assert!(
        !written.iter().any(|name| name.ends_with(".docx")),
        "{written:?}"
    );
}

#[test]
fn a_text_without_times_has_no_table_of_times() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let file = env.path("transcripts/talks/0.json");
    let mut envelope: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    envelope["result"] = json!({ "text": "Only text." });
    fs::write(&file, envelope.to_string()).unwrap();
    fs::remove_dir_all(env.path("state")).unwrap();
    env.run_once(0);
    let server = Server::start(&env);
    let path = |format| format!("/recordings/{}/transcript/{format}", id_of(&env, "0.wav"));
    assert!(server.get(&path("md")).body.contains("Only text."));
    let refused = server.get(&path("tsv"));
    assert_eq!(refused.status, 404);
    assert!(refused.body.contains("has no times"), "{}", refused.body);
}
