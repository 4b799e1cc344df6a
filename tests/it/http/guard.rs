//! Who may do what: hosts, origins and the token.

use super::client::Server;
use crate::harness::{TestEnv, settings};

const TOKEN: &str = "0123456789abcdef-token";

fn with_token(extra: &str) -> (TestEnv, Server) {
    let env = TestEnv::with_recordings(settings(), 1);
    std::fs::write(env.path("token"), format!("{TOKEN}\n")).unwrap();
    env.configure(&format!("[http]\ntoken_file = 'token'\n{extra}"));
    env.run_once(0);
    let server = Server::start(&env);
    (env, server)
}

#[test]
fn other_names_and_other_sites_are_refused() {
    let env = TestEnv::new(settings());
    env.configure("[http]\nhosts = ['ns.example']\n");
    let server = Server::start(&env);
    let own = server.address.to_string();
    let own_origin = format!("http://{own}");
    for (method, headers, status) in [
        ("GET", vec![("Host", own.as_str())], 200),
        ("GET", vec![("Host", "localhost")], 200),
        ("GET", vec![("Host", "NS.example")], 200),
        ("GET", vec![("Host", "evil.example")], 421),
        ("GET", vec![("Host", "192.0.2.1")], 421),
        ("GET", vec![("Host", "")], 421),
        ("GET", vec![("Sec-Fetch-Site", "cross-site")], 200),
        ("POST", vec![], 303),
        ("POST", vec![("Origin", own_origin.as_str())], 303),
        (
            "POST",
            vec![
                ("Origin", own_origin.as_str()),
                ("Sec-Fetch-Site", "same-origin"),
            ],
            303,
        ),
        (
            "POST",
            vec![("Host", "ns.example"), ("Origin", "https://ns.example")],
            303,
        ),
        ("POST", vec![("Origin", "https://ns.example")], 403),
        ("POST", vec![("Origin", "http://evil.example")], 403),
        ("POST", vec![("Origin", "null")], 403),
        ("POST", vec![("Sec-Fetch-Site", "cross-site")], 403),
        ("POST", vec![("Sec-Fetch-Site", "same-site")], 403),
        (
            "POST",
            vec![("Host", "evil.example"), ("Origin", "http://evil.example")],
            421,
        ),
    ] {
        let path = if method == "GET" { "/" } else { "/pause" };
        let response = server.send(method, path, &headers, "");
        assert_eq!(response.status, status, "{method} {headers:?}");
        let policy = response.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'"),
            "{method} {headers:?}"
        );
    }
}

#[test]
fn another_site_cannot_name_speakers() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let server = Server::start(&env);
    for (origin, status) in [
        (("Origin", "http://evil.example"), 403),
        (("Sec-Fetch-Site", "cross-site"), 403),
        (("Host", "evil.example"), 421),
        // The sandbox names no speakers.
        (("Sec-Fetch-Site", "same-origin"), 422),
    ] {
        let form = "speaker-0=Anna";
        let named = server.send("POST", "/recordings/1/speakers", &[origin], form);
        assert_eq!(named.status, status, "{origin:?}: {}", named.body);
    }
}

#[test]
fn nothing_is_shown_without_the_token() {
    let (_env, server) = with_token("");
    let right = format!("Bearer {TOKEN}");
    for (path, without, with) in [
        ("/", 303, 200),
        ("/recordings", 303, 200),
        ("/recordings/1", 303, 200),
        ("/recordings/1/transcript/txt", 303, 200),
        ("/recordings/1/read", 303, 200),
        ("/recordings/1/sound", 303, 200),
        ("/search", 303, 200),
        ("/search?q=a", 303, 200),
        ("/nothing", 303, 404),
        ("/metrics", 401, 200),
        ("/api/v1/items", 401, 200),
        ("/api/v1/status", 401, 200),
        ("/api/v1/openapi.json", 401, 200),
        ("/api/v1/nothing", 401, 404),
        ("/healthz", 200, 200),
        ("/readyz", 200, 200),
        ("/login", 200, 200),
        ("/assets/page.css", 200, 200),
    ] {
        assert_eq!(server.get(path).status, without, "{path}");
        let answer = server.send("GET", path, &[("Authorization", &right)], "");
        assert_eq!(answer.status, with, "{path}");
    }
    assert_eq!(server.post("/pause", "").status, 303);
    let names = server.post("/recordings/1/speakers", "speaker-0=Anna");
    assert_eq!((names.status, names.header("location")), (303, "/login"));
    assert_eq!(
        server.get("/?a=b").header("location"),
        "/login?next=%2F%3Fa%3Db"
    );
    let refused = server.post("/pause", "");
    assert_eq!(refused.header("location"), "/login");
    assert_eq!(server.send("POST", "/api/v1/pause", &[], "").status, 401);
}

#[test]
fn a_login_lasts_until_the_logout() {
    let (env, server) = with_token("");
    let wrong = server.post("/login", "token=wrong-wrong-wrong-wrong&next=%2Frecordings");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, ""));
    assert!(
        wrong.body.contains("This is not the token."),
        "{}",
        wrong.body
    );
    let login = server.post(
        "/login",
        &format!("token={TOKEN}&next=%2Frecordings%3Fstate%3Ddone"),
    );
    assert_eq!(
        (login.status, login.header("location")),
        (303, "/recordings?state=done")
    );
    let cookie = login.header("set-cookie");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(
        !cookie.contains(TOKEN) && !cookie.contains("Secure"),
        "{cookie}"
    );
    let value = cookie.split(';').next().unwrap();
    let page = server.send("GET", "/", &[("Cookie", &format!("a=b; {value}"))], "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Log out"), "{}", page.body);
    let forged = value.replace('1', "2");
    assert_eq!(
        server.send("GET", "/", &[("Cookie", &forged)], "").status,
        303
    );
    let out = server.send("POST", "/logout", &[("Cookie", value)], "");
    assert!(
        out.header("set-cookie").contains("Max-Age=0"),
        "{}",
        out.header("set-cookie")
    );
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/a%0D%0AX: y",
    ] {
        let login = server.post("/login", &format!("token={TOKEN}&next={next}"));
        assert_eq!(login.header("location"), "/", "{next}");
    }
    let https = [("Origin", "https://localhost"), ("Host", "localhost")];
    let login = server.send("POST", "/login", &https, &format!("token={TOKEN}"));
    assert!(login.header("set-cookie").ends_with("; Secure"));
    // The login holds after a restart, and no longer with another token.
    let value = value.to_owned();
    drop(server);
    let server = Server::start(&env);
    assert_eq!(
        server.send("GET", "/", &[("Cookie", &value)], "").status,
        200
    );
    drop(server);
    std::fs::write(env.path("token"), "another token, as long").unwrap();
    let server = Server::start(&env);
    assert_eq!(
        server.send("GET", "/", &[("Cookie", &value)], "").status,
        303
    );
}

#[test]
fn wrong_tokens_are_limited() {
    let (_env, server) = with_token("");
    let wrong = [("Authorization", "Bearer wrong")];
    for _ in 0..5 {
        assert_eq!(server.send("GET", "/api/v1/status", &wrong, "").status, 401);
        assert_eq!(server.post("/login", "token=wrong").status, 401);
    }
    let limited = server.send("GET", "/api/v1/status", &wrong, "");
    assert_eq!((limited.status, limited.header("retry-after")), (429, "60"));
    let right = format!("token={TOKEN}");
    assert_eq!(server.post("/login", &right).status, 429);
}

#[test]
fn an_address_of_other_machines_requires_a_token() {
    let env = TestEnv::new(settings());
    let serve = env.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(serve.code, 2);
    assert!(
        serve.stderr.contains("requires a token"),
        "{}",
        serve.stderr
    );
    env.configure("[http]\nlisten = '0.0.0.0:7878'\n");
    for command in [&["check"][..], &["run"], &["serve"]] {
        let refused = env.run(command);
        assert_eq!(refused.code, 2, "{command:?}");
        let output = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            output.contains("`http.listen`: an address"),
            "{command:?}: {output}"
        );
    }
    env.configure("[http]\nlisten = '127.0.0.1:7878'\ntoken_env = 'SHORT'\n");
    for command in ["check", "serve"] {
        let mut command = env.command(&[command]);
        let short = crate::harness::run_command(command.env("SHORT", "secret"));
        assert_eq!(short.code, 2);
        let output = format!("{}{}", short.stdout, short.stderr);
        assert!(output.contains("`http.token` is too short"), "{output}");
        assert!(!output.contains("secret"), "{output}");
    }
}
