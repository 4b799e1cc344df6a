//! The page to read along with a recording, and the names of its speakers.

use super::client::Server;
use super::{HOSTILE, id_of};
use crate::harness::{TestEnv, settings};
use crate::spoken::{replace_results, result, word};
use serde_json::json;
use std::fs;

/// Returns the address of the page of a recording.
fn page_of(env: &TestEnv, name: &str) -> String {
    format!("/recordings/{}/read", id_of(env, name))
}

/// Creates an environment with a talk of two speakers.
fn talk() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let mut words = vec![
        word("Guten", 0.5, 0.9, 0),
        word("Tag.", 1.0, 1.25, 0),
        word("Vielleicht.", 9.0, 9.5, 1),
    ];
    words[1]["confidence"] = json!(0.2);
    replace_results(&env, &[("0".to_owned(), result(&words))]);
    env
}

#[test]
fn a_transcript_shows_times_speakers_silence_and_doubt() {
    let env = talk();
    let server = Server::start(&env);
    let page = server.get(&page_of(&env, "0.wav"));
    assert_eq!(page.status, 200);
    let id = id_of(&env, "0.wav");
    for expected in [
        format!("src=\"/recordings/{id}/sound\""),
        "<p dir=\"auto\"><bdi><a class=\"time\" href=\"#t=0.5\">0:00</a></bdi> <bdi><strong>Speaker 1:</strong></bdi> <span id=\"t=0.5\">Guten</span>"
            .to_owned(),
        "<span id=\"t=1\" class=\"unsure\" title=\"The model is not sure of this word\">Tag.</span>"
            .to_owned(),
        "<p class=\"silence\" lang=\"en\">8 s of silence</p>".to_owned(),
        "<a class=\"time\" href=\"#t=9\">0:09</a></bdi> <bdi><strong>Speaker 2:</strong>".to_owned(),
        "id=\"times\">[500,900,1000,1250,9000,9500]</script>".to_owned(),
    ] {
        assert!(page.body.contains(&expected), "{expected}\n{}", page.body);
    }
    let item = server.get(&format!("/recordings/{id}")).body;
    assert!(item.contains(&format!("/recordings/{id}/read")), "{item}");
}

#[test]
fn words_names_and_speakers_stay_text() {
    let env = TestEnv::new(settings());
    env.add_recording(HOSTILE, 1);
    env.run_once(0);
    let words = [
        word("</script><script>alert(1)</script>", 0.0, 0.5, 0),
        word("\"><img src=x>", 1.0, 1.5, 1),
    ];
    let stem = HOSTILE.strip_suffix(".wav").unwrap();
    replace_results(&env, &[(stem.to_owned(), result(&words))]);
    let server = Server::start(&env);
    let page = page_of(&env, HOSTILE);
    let names = page.replace("/read", "/speakers");
    let named = server.post(
        &names,
        "speaker-0=%22%3E%3Cb+onclick%3Dx%3EAnna&speaker-1=%3C%2Fp%3E",
    );
    assert_eq!(named.status, 303, "{}", named.body);
    let body = server.get(&page).body;
    assert_eq!(body.matches("<script").count(), 3, "{body}");
    for element in ["<img", "<b ", "</p>:", "alert('x')<"] {
        assert!(!body.contains(element), "{element}: {body}");
    }
    let escaped =
        "<span id=\"t=0\">&#60;/script&#62;&#60;script&#62;alert(1)&#60;/script&#62;</span>";
    assert!(body.contains(escaped), "{body}");
    let value = "value=\"&#34;&#62;&#60;b onclick=x&#62;Anna\"";
    assert!(body.contains(value), "{body}");
}

#[test]
fn an_item_without_a_transcript_has_no_page() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::write(env.path("recordings/broken.wav"), "no sound").unwrap();
    let server = Server::start(&env);
    assert_eq!(server.get("/recordings/1/read").status, 404);
    env.run_once(1);
    let broken = server.get(&page_of(&env, "broken.wav"));
    assert_eq!(broken.status, 404);
    assert!(broken.body.contains("has no transcript"), "{}", broken.body);
    for id in [
        "999",
        "x",
        "-1",
        "+1",
        "1-2",
        "0.wav",
        "9223372036854775808",
    ] {
        for path in ["read", "sound"] {
            let page = server.get(&format!("/recordings/{id}/{path}"));
            assert_eq!(page.status, 404, "{id}/{path}");
        }
        let named = server.post(&format!("/recordings/{id}/speakers"), "speaker-0=Anna");
        assert_eq!(named.status, 404, "{id}");
    }
}

#[test]
fn a_transcript_outlives_its_recording() {
    let env = talk();
    env.run(&["add", "https://example.org/talk.mp3"]);
    env.run_once(0);
    fs::remove_file(env.path("recordings/0.wav")).unwrap();
    let server = Server::start(&env);
    let page = page_of(&env, "0.wav");
    assert!(server.get(&page).body.contains("Vielleicht."));
    let sound = server.get(&page.replace("/read", "/sound"));
    assert_eq!(sound.status, 404);
    assert!(
        sound.body.contains("the recording cannot be read"),
        "{}",
        sound.body
    );
    let items = env.items();
    let url = items
        .iter()
        .find(|item| item["path"] == "https://example.org/talk.mp3");
    let url = format!("/recordings/{}", url.unwrap()["id"]);
    let page = server.get(&format!("{url}/read"));
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(
        page.body.contains("The recording is at a URL"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<audio"), "{}", page.body);
    let sound = server.get(&format!("{url}/sound"));
    assert_eq!(sound.status, 404);
    assert!(sound.body.contains("only at its address"), "{}", sound.body);
}

#[test]
fn speakers_are_named_in_the_page_and_in_the_files() {
    let env = talk();
    env.configure("[http]\nbase_path = '/ns'\n");
    let server = Server::start(&env);
    let page = format!("/ns{}", page_of(&env, "0.wav"));
    let names = page.replace("/read", "/speakers");
    let form = server.get(&page).body;
    assert!(form.contains(&format!("action=\"{names}\"")), "{form}");
    assert!(form.contains("name=\"speaker-1\""), "{form}");
    let named = server.post(&names, "speaker-0=+Anna+Mei%C3%9Fner&speaker-1=");
    let target = format!("{page}?did=speakers");
    assert_eq!(
        (named.status, named.header("location")),
        (303, target.as_str())
    );
    let body = server.get(&target).body;
    assert!(body.contains("The names are stored"), "{body}");
    assert!(body.contains("<strong>Anna Meißner:</strong>"), "{body}");
    assert!(body.contains("<strong>Speaker 2:</strong>"), "{body}");
    assert!(env.transcript("0.txt").contains("Anna Meißner"));
    for (form, message) in [
        ("speaker-7=Anna", "there is no such speaker"),
        ("speaker-0=a%0Ab", "name"),
    ] {
        let refused = server.post(&names, form);
        assert_eq!(refused.status, 422, "{form}");
        assert!(refused.body.contains(message), "{form}: {}", refused.body);
    }
    assert!(
        server
            .get(&page)
            .body
            .contains("<strong>Anna Meißner:</strong>")
    );
    server.post(&names, "speaker-0=");
    assert!(
        server
            .get(&page)
            .body
            .contains("<strong>Speaker 1:</strong>")
    );
}

#[test]
fn an_edited_transcript_is_kept_and_the_page_says_so() {
    let env = talk();
    fs::write(env.path("transcripts/talks/0.txt"), "edited").unwrap();
    let server = Server::start(&env);
    let names = page_of(&env, "0.wav").replace("/read", "/speakers");
    let named = server.post(&names, "speaker-0=Anna");
    let body = server.get(named.header("location")).body;
    assert!(
        body.contains("Transcripts that were edited stay as they are, and"),
        "{body}"
    );
    assert_eq!(env.transcript("0.txt"), "edited");
    assert!(env.transcript("0.new.txt").contains("Anna"));
    assert!(env.transcript("0.srt").contains("Anna"));
}
