//! Precedence of the environment, the file and the defaults.

use super::built;
use crate::config::load::join_lines;
use crate::config::{KeySource, Layout};
use crate::domain::{ApiMode, Format};
use std::path::Path;
use std::time::Duration;

#[test]
fn the_environment_overrides_every_key_of_the_file() {
    let variables = [
        ("NIGHTSCRIBE__API__BASE_URL", "http://127.0.0.1:9/v1"),
        ("NIGHTSCRIBE__API__KEY_ENV", "OTHER"),
        ("NIGHTSCRIBE__API__FLOW", "legacy"),
        ("NIGHTSCRIBE__API__RETENTION", "2h"),
        ("NIGHTSCRIBE__API__ALLOW_UNKNOWN_MODEL", "true"),
        ("NIGHTSCRIBE__API__ALLOW_UNKNOWN_OPTIONS", "true"),
        ("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "7"),
        ("NIGHTSCRIBE__LIMITS__POLLS_PER_MINUTE", "8"),
        ("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "9"),
        ("NIGHTSCRIBE__LIMITS__MAX_PENDING", "10"),
        ("NIGHTSCRIBE__POLLING__INTERVAL", "1s"),
        ("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "2s"),
        ("NIGHTSCRIBE__RETRY__MAX_ATTEMPTS", "3"),
        ("NIGHTSCRIBE__RETRY__BACKOFF", "4s"),
        ("NIGHTSCRIBE__RETRY__MAX_BACKOFF", "5s"),
        ("NIGHTSCRIBE__RETRY__UNCERTAIN", "hold"),
        ("NIGHTSCRIBE__STATE__DIR", "s"),
        ("NIGHTSCRIBE__OUTPUT__DIR", "/o"),
        ("NIGHTSCRIBE__OUTPUT__LAYOUT", "beside"),
        ("NIGHTSCRIBE__OUTPUT__FORMATS", "srt, vtt"),
        ("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "6s"),
        ("NIGHTSCRIBE__NOTIFY__COMMAND", r#"["./tell", "a b"]"#),
        ("NIGHTSCRIBE__NOTIFY__WEBHOOK", "https://example.org/x"),
        ("NIGHTSCRIBE__NOTIFY__WEBHOOK_SECRET_ENV", "HUSH"),
        ("NIGHTSCRIBE__NOTIFY__EMAIL__TO", "a@b.org, c@d.org"),
        ("NIGHTSCRIBE__NOTIFY__EMAIL__FROM", "e@f.org"),
        ("NIGHTSCRIBE__NOTIFY__EMAIL__SERVER", "smtp://h"),
        ("NIGHTSCRIBE__NOTIFY__EMAIL__USER", "me"),
        ("NIGHTSCRIBE__NOTIFY__EMAIL__PASSWORD_FILE", "p"),
        ("NIGHTSCRIBE__HOOKS__ON_DONE", "index, {srt}"),
        ("NIGHTSCRIBE__HOOKS__CONCURRENCY", "3"),
        ("NIGHTSCRIBE__HOOKS__TIMEOUT", "7s"),
    ];
    let config = built(
        "[limits]\nmax_uploads = 1\n[[source]]\nname='a'\npath='b'\nmodel='new'\n",
        &variables,
    )
    .unwrap();
    assert_eq!(config.api.base_url.as_str(), "http://127.0.0.1:9/v1");
    assert_eq!(config.api.key, KeySource::Env("OTHER".to_owned()));
    assert_eq!(
        (config.api.flow, config.api.retention),
        (ApiMode::Legacy, Duration::from_secs(7200))
    );
    let limits = &config.limits;
    assert_eq!(
        (
            limits.submits_per_minute.get(),
            limits.polls_per_minute.get()
        ),
        (7, 8)
    );
    assert_eq!((limits.max_uploads, limits.max_pending), (9, 10));
    assert_eq!(config.polling.max_interval, Duration::from_secs(2));
    assert_eq!(
        (config.retry.max_attempts, config.retry.backoff),
        (3, Duration::from_secs(4))
    );
    assert_eq!(config.state.dir, Path::new("/etc/s"));
    assert_eq!(config.output.dir, Path::new("/o"));
    assert_eq!(
        (config.output.layout, config.output.formats.clone()),
        (Layout::Beside, vec![Format::Srt, Format::Vtt])
    );
    assert_eq!(config.schedule.scan_every, Duration::from_secs(6));
    let command = config.notify.command.as_ref().unwrap();
    assert_eq!(command.path, Path::new("/etc/tell"));
    assert_eq!(command.arguments, ["a b"]);
    let webhook = config.notify.webhook.as_ref().unwrap();
    assert_eq!(webhook.url.as_str(), "https://example.org/x");
    assert_eq!(webhook.secret, Some(KeySource::Env("HUSH".to_owned())));
    let email = config.notify.email.as_ref().unwrap();
    assert_eq!(
        (email.to.len(), email.from.to_string()),
        (2, "e@f.org".to_owned())
    );
    assert_eq!((&email.server.host[..], email.server.port), ("h", 587));
    let password = KeySource::File("/etc/p".into());
    assert_eq!(email.login, Some(("me".to_owned(), password)));
    let hook = config.hooks.on_done.as_ref().unwrap();
    assert_eq!(
        (hook.path.as_path(), hook.arguments.len()),
        (Path::new("index"), 1)
    );
    assert_eq!(config.hooks.concurrency, 3);
    assert_eq!(config.hooks.timeout, Duration::from_secs(7));
    assert_eq!(config.secret_variables(), ["OTHER", "HUSH"]);
    let formats = [
        ("NIGHTSCRIBE__OUTPUT__FORMATS", "[\"json\"]"),
        ("NIGHTSCRIBE__API__KEY_FILE", "k"),
    ];
    let config = built("", &formats).unwrap();
    assert_eq!(config.output.formats, [Format::Json]);
    let all = [("NIGHTSCRIBE__OUTPUT__FORMATS", "[\"vtt\", \"all\"]")];
    let all = built("", &all).unwrap().output.formats;
    assert_eq!((all[0], all.len()), (Format::Vtt, Format::ALL.len() - 1));
    assert_eq!(config.api.key, KeySource::File("/etc/k".into()));
}

#[test]
fn usual_variable_names_are_accepted_for_the_key() {
    for name in ["AIMLAPI_KEY", "_k", "aimlapi_key_2", "K"] {
        let config = built(&format!("[api]\nkey_env = '{name}'"), &[]).unwrap();
        assert_eq!(config.api.key, KeySource::Env(name.to_owned()));
    }
}

#[test]
fn unknown_variables_are_rejected() {
    for (name, value, expected) in [
        (
            "NIGHTSCRIBE__API__RETENTOIN",
            "1h",
            "`api.retentoin`: no such key; did you mean `retention`?",
        ),
        (
            "NIGHTSCRIBE__AIP__RETENTION",
            "1h",
            "no such section; did you mean `api`?",
        ),
        (
            "NIGHTSCRIBE__API",
            "1h",
            "expected NIGHTSCRIBE__SECTION__KEY",
        ),
        (
            "NIGHTSCRIBE__LIMITS__MAX_UPLOADS",
            "many",
            "`limits.max_uploads`: expected a whole number from 1 to 64, found \"many\"",
        ),
    ] {
        let errors = join_lines(&built("", &[(name, value)]).unwrap_err());
        assert!(
            errors.starts_with(&format!("environment variable {name}: ")),
            "{errors}"
        );
        assert!(errors.ends_with(expected), "{errors}");
    }
}
