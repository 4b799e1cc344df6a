//! Listening: beside a daemon, in a daemon, below a path, and its limits.

use super::client::Server;
use super::{id_of, transcribed};
use crate::harness::{TestEnv, settings};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn a_port_in_use_ends_serve_and_not_the_run() {
    let env = TestEnv::with_recordings(settings(), 1);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    env.configure(&format!("[http]\nlisten = '{address}'\n"));
    let serve = env.run(&["serve"]);
    assert_eq!(serve.code, 2);
    let message = format!("cannot listen on {address}; another program may use the port");
    assert!(serve.stderr.contains(&message), "{}", serve.stderr);
    let _run = env.start_logged(&mut env.command(&["run"]), "log");
    env.wait_until("the transcript", |env| env.count("done") == 1);
    let log = env.log_lines("log").join("\n");
    assert!(log.contains("WARN the page is not available"), "{log}");
}

#[test]
fn a_daemon_serves_its_queue_and_takes_a_new_address_at_a_reload() {
    let env = TestEnv::with_recordings(settings(), 2);
    let free = |_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let [first, second] = [0, 1].map(free);
    let page = |address| {
        let mut stream = TcpStream::connect(address).ok()?;
        let request = format!("GET / HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    };
    env.configure(&format!("[http]\nlisten = '{first}'\n"));
    let mut run = env.start(&["run"]);
    env.wait_until("the transcripts", |env| env.count("done") == 2);
    let text = page(first).unwrap();
    assert!(
        text.contains("<strong>2</strong> done") && text.contains("Running since"),
        "{text}"
    );
    // `serve` works beside it.
    let beside = Server::start(&env);
    assert!(beside.get("/").body.contains("Running since"));
    env.configure(&format!("[http]\nlisten = '{second}'\n"));
    run.signal("HUP");
    env.wait_until("the new address", |_| page(second).is_some());
    assert!(page(first).is_none());
    run.signal("TERM");
    assert_eq!(run.wait(), 0);
    assert!(page(second).is_none());
    assert!(beside.get("/").body.contains("Not running"));
    assert_eq!(env.status()["counts"]["done"], 2);
}

#[test]
fn results_of_a_daemon_that_is_read_by_all_are_kept() {
    let env = TestEnv::with_recordings(settings(), 30);
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    env.configure(&format!("[http]\nlisten = '{free}'\n"));
    let mut run = env.start(&["run"]);
    let server = Server::start(&env);
    // Each command opens and closes the database, and so does each first request of a server.
    for _ in 0..10 {
        assert_eq!(server.get("/recordings").status, 200);
        env.status();
        Server::start(&env).get("/");
    }
    env.wait_until("the transcripts", |env| env.count("done") == 30);
    run.signal("TERM");
    assert_eq!(run.wait(), 0);
    drop(server);
    assert_eq!(env.count("done"), 30);
    assert_eq!(env.sandbox().ledger().paid, 30);
}

#[test]
fn all_links_work_below_a_path() {
    let env = transcribed();
    env.configure("[http]\nbase_path = '/ns/'\n");
    let server = Server::start(&env);
    assert_eq!(server.base, "/ns");
    let item = format!("/ns/recordings/{}", id_of(&env, "good.wav"));
    let redirect = server.get("/ns/");
    assert_eq!((redirect.status, redirect.header("location")), (308, "/ns"));
    let read = format!("{item}/read");
    for path in [
        "/ns",
        "/ns/recordings",
        &item,
        &read,
        "/ns/search",
        "/ns/nothing",
    ] {
        let body = server.get(path).body;
        let links = ["href=\"", "src=\"", "action=\"", "data-events=\""];
        let targets = links.iter().flat_map(|link| body.split(link).skip(1));
        for target in targets.map(|rest| rest.split('"').next().unwrap()) {
            assert!(
                target.starts_with('#') || target.starts_with("/ns"),
                "{path}: {target}"
            );
            if !target.contains("events") && !target.starts_with('#') {
                let status = server.get(target).status;
                assert!([200, 405].contains(&status), "{path}: {target}: {status}");
            }
        }
    }
    for (form, target) in [
        ("/ns/pause", "/ns?did=pause&changed=0&refused=0"),
        ("/ns/resume", "/ns?did=resume&changed=0&refused=0"),
    ] {
        assert_eq!(server.post(form, "").header("location"), target);
    }
    assert_eq!(server.get("/").status, 404);
    assert_eq!(server.get("/ns/api/v1/status").status, 200);
    assert_eq!(server.get("/ns/nothing").status, 404);
    assert!(
        server
            .get("/")
            .header("content-security-policy")
            .contains("'none'")
    );
}

#[test]
fn large_requests_are_refused() {
    let env = TestEnv::new(settings());
    let server = Server::start(&env);
    let large = "id=1&".repeat(100_000);
    assert_eq!(server.post("/recordings/retry", &large).status, 413);
    let headers = [("Content-Type", "application/json")];
    let refused = server.send("POST", "/api/v1/items/cancel", &headers, &large);
    assert_eq!(refused.status, 413);
    let long = format!("/recordings?search={}", "a".repeat(100_000));
    assert!([414, 431].contains(&server.get(&long).status));
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_slow_client_is_cut_off() {
    let env = TestEnv::new(settings());
    let server = Server::start(&env);
    let began = Instant::now();
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut rest = Vec::new();
    let _closed = slow.read_to_end(&mut rest);
    assert!(began.elapsed() < Duration::from_secs(40));
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_stop_ends_streams_of_events() {
    let env = transcribed();
    let server = Server::start(&env);
    let mut stream = server.open("GET", "/api/v1/events", &[], "");
    let mut read = Vec::new();
    while !read.ends_with(b"event: status\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
    let began = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(4));
    stream.read_to_end(&mut read).unwrap();
}
