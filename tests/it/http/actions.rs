//! Actions by forms, as a browser without scripts sends them.

use super::client::Server;
use super::{id_of, transcribed};
use std::fs;

#[test]
fn a_pause_is_shown_with_the_button_that_ends_it() {
    let env = transcribed();
    let server = Server::start(&env);
    let paused = server.post("/pause", "");
    assert_eq!(paused.status, 303);
    assert_eq!(env.status()["holds"][0]["kind"], "operator");
    let page = server.get(paused.header("location")).body;
    assert!(page.contains("Submissions are paused."), "{page}");
    assert!(
        page.contains("Held: paused") && page.contains("Resume submissions"),
        "{page}"
    );
    assert!(!page.contains("Pause submissions"), "{page}");
    let resumed = server.post("/resume", "");
    assert_eq!(resumed.status, 303);
    assert_eq!(env.status()["holds"].as_array().unwrap().len(), 0);
}

#[test]
fn items_are_retried_and_cancelled_from_the_list_and_from_their_page() {
    let env = transcribed();
    let server = Server::start(&env);
    let (good, broken) = (id_of(&env, "good.wav"), id_of(&env, "broken.wav"));
    let both = format!("id={good}&id={broken}&query=state%3Dfailed%26sort%3Dpath");
    let retried = server.post("/recordings/retry", &both);
    assert_eq!(
        (retried.status, retried.header("location")),
        (
            303,
            "/recordings?state=failed&sort=path&did=retry&changed=1&refused=1"
        )
    );
    assert_eq!(env.item("broken.wav")["state"], "queued");
    let page = server.get(retried.header("location")).body;
    assert!(page.contains("1 requeued. 1 unchanged:"), "{page}");
    let one = format!("id={broken}&from={broken}");
    let cancelled = server.post("/recordings/cancel", &one);
    let location = format!("/recordings/{broken}?did=cancel&changed=1&refused=0");
    assert_eq!(cancelled.header("location"), location);
    assert_eq!(env.item("broken.wav")["state"], "cancelled");
    for form in ["", "id=", "id=x", "id=1%20OR%201"] {
        assert_eq!(server.post("/recordings/retry", form).status, 400, "{form}");
    }
    assert_eq!(env.item("broken.wav")["state"], "cancelled");
}

#[test]
fn the_button_of_a_source_that_looks_paid_approves_the_payment() {
    let env = transcribed();
    // Without the queue, the transcripts of another request look as if they were paid for.
    fs::remove_dir_all(env.path("state")).unwrap();
    for name in env.file_names("transcripts") {
        if name.ends_with(".json") {
            fs::remove_file(env.path("transcripts").join(name)).unwrap();
        }
    }
    env.run_once(3);
    let server = Server::start(&env);
    let page = server.get("/").body;
    assert!(page.contains("Submit and pay anyway"), "{page}");
    // The button that ends a pause does not approve it.
    server.post("/resume", "");
    assert_eq!(env.status()["holds"][0]["kind"], "looks-paid");
    server.post("/resume", "submit_anyway=yes");
    assert_eq!(env.status()["holds"].as_array().unwrap().len(), 0);
}
