//! Merging of the layers, and every diagnostic.

use super::environment::Environment;
use super::load::join_lines;
use super::{Config, KeySource, Layout, TEMPLATE};
use crate::config::diagnostics::Diagnostic;
use crate::config::merge::build;
use crate::domain::rendering::RenderOptions;
use crate::domain::{ApiMode, Format};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    Environment {
        variables,
        working_dir: PathBuf::from("/work-folder"),
    }
}

fn built(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<Diagnostic>> {
    build(
        Some(PathBuf::from("/etc/n.toml")),
        text,
        &environment(variables),
    )
}

fn errors_of(text: &str) -> String {
    join_lines(&built(text, &[]).unwrap_err())
}

const SOURCE: &str = "[[source]]\nname = 'a'\npath = 'rec'\n";

#[test]
fn without_a_file_the_template_s_defaults_apply() {
    let config = build(None, "", &environment(&[])).unwrap();
    assert_eq!(config.api.base_url.as_str(), "https://api.aimlapi.com/v1");
    assert_eq!(config.api.key, KeySource::Env("AIMLAPI_KEY".to_owned()));
    assert_eq!(
        (config.api.flow, config.api.retention),
        (ApiMode::TwoStep, Duration::from_secs(3600))
    );
    let limits = &config.limits;
    assert_eq!(
        (
            limits.submits_per_minute.get(),
            limits.polls_per_minute.get()
        ),
        (60, 600)
    );
    assert_eq!((limits.max_uploads, limits.max_pending), (4, 500));
    assert_eq!(limits.max_lookups, 64);
    assert_eq!(config.polling.interval, Duration::from_secs(10));
    assert_eq!(config.polling.max_interval, Duration::from_secs(60));
    assert_eq!(config.retry.max_attempts, 5);
    assert_eq!(config.retry.max_backoff, Duration::from_secs(900));
    assert_eq!(config.state.dir, Path::new("/work-folder/state"));
    assert_eq!(config.output.dir, Path::new("/work-folder/transcripts"));
    assert_eq!(
        (config.output.layout, config.output.formats),
        (Layout::Mirror, vec![Format::Txt, Format::Json])
    );
    assert_eq!(config.schedule.scan_every, Duration::from_secs(300));
    assert!(config.sources.is_empty());
}

#[test]
fn every_commented_key_of_the_template_is_valid() {
    let uncommented: String = TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(code) if code.starts_with("[") || code.contains(" = ") => {
                let example = code.strip_prefix("# Example: ");
                // The file does not exist.
                let example = example.filter(|example| !example.starts_with("vocabulary"));
                format!("{}\n", example.unwrap_or(code))
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let config = built(&uncommented, &[("HOME", "/home/me")]).unwrap();
    assert_eq!(
        config.api.key,
        KeySource::File("/home/me/.config/nightscribe/key".into())
    );
    let source = &config.sources[0];
    assert_eq!(
        (source.name.as_str(), source.path.as_path()),
        ("podcasts", Path::new("/home/me/Podcasts"))
    );
    assert_eq!(source.request.options().len(), 3);
    let plain = built("[[source]]\nname = 'a'\npath = 'b'\n", &[]).unwrap();
    assert_eq!(plain.sources[0].request.model(), source.request.model());
    assert_eq!(plain.sources[0].settle, source.settle);
}

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
fn every_problem_is_listed_with_location_and_suggestion() {
    let text = "[polling]\nintervall = '1s'\ninterval = 10\n[limit]\nmax_uploads = 1\n[limits]\nmax_uploads = 0\nsubmits_per_minute = -1\n";
    assert_eq!(
        errors_of(text),
        "/etc/n.toml:2:1: `polling.intervall`: no such key; did you mean `interval`?\n\
         /etc/n.toml:3:1: `polling.interval`: expected a duration like \"10s\" or \"1h 30m\", found 10\n\
         /etc/n.toml:4:2: `limit`: no such section; did you mean `limits`?\n\
         /etc/n.toml:7:1: `limits.max_uploads`: expected a whole number from 1 to 64, found 0\n\
         /etc/n.toml:8:1: `limits.submits_per_minute`: expected a whole number of requests per minute, at least 1, found -1"
    );
}

#[test]
fn contradicting_values_are_rejected_at_the_key_that_was_set() {
    assert_eq!(
        errors_of("[polling]\nmax_interval = '1s'\n"),
        "/etc/n.toml:2:1: `polling.max_interval`: must not be shorter than `interval`"
    );
    assert_eq!(
        errors_of("[retry]\nbackoff = '1h'\n"),
        "/etc/n.toml:2:1: `retry.backoff`: must not be longer than `max_backoff`"
    );
}

#[test]
fn a_key_in_the_file_is_rejected_and_not_shown() {
    let errors = errors_of("[api]\nkey = 'sk-secret'\n");
    assert!(
        errors.contains("`api.key`: the API key is not allowed in the configuration"),
        "{errors}"
    );
    assert!(!errors.contains("sk-secret"));
    assert!(
        errors_of("[api]\nbase_url = 'https://u:p@h/v1'\n")
            .contains("contains a user name or password")
    );
}

#[test]
fn a_misplaced_key_is_rejected_and_not_shown() {
    for text in [
        "[api]\nkey_env = 'sk-5ecretvalue'",
        "[api]\nkey_env = 'f00dcafe5ecretvalue0123456789abc'",
        "[api]\nkey_env = ['sk-5ecretvalue']",
        "[api]\nbase_url = 'ftp://me:5ecretvalue@h/v1'",
        "[api]\nbase_url = 'me:5ecretvalue@h/v1'",
        "[api]\napi-key = 'sk-5ecretvalue'",
        "[[source]]\nname = 'a'\npath = 'b'\nAPI_KEY = 'sk-5ecretvalue'",
        "api_key = 'sk-5ecretvalue'",
        "key = 'sk-5ecretvalue'",
    ] {
        let errors = errors_of(text);
        assert!(!errors.contains("5ecretvalue"), "{text}: {errors}");
        assert!(errors.contains("key_env"), "{text}: {errors}");
    }
    for variable in ["NIGHTSCRIBE__API_KEY", "NIGHTSCRIBE__API__API_KEY"] {
        let errors = join_lines(&built("", &[(variable, "sk-5ecretvalue")]).unwrap_err());
        assert!(!errors.contains("5ecretvalue"), "{errors}");
        assert!(errors.contains("key_env"), "{errors}");
    }
}

#[test]
fn usual_variable_names_are_accepted_for_the_key() {
    for name in ["AIMLAPI_KEY", "_k", "aimlapi_key_2", "K"] {
        let config = built(&format!("[api]\nkey_env = '{name}'"), &[]).unwrap();
        assert_eq!(config.api.key, KeySource::Env(name.to_owned()));
    }
}

#[test]
fn toml_number_syntax_is_supported() {
    let config = built("[limits]\nmax_pending = 1_000\nmax_uploads = 0x10", &[]).unwrap();
    assert_eq!(
        (config.limits.max_pending, config.limits.max_uploads),
        (1000, 16)
    );
    for odd in ["nan", "inf", "-inf", "-0.5"] {
        let errors = errors_of(&format!("{SOURCE}[source.options]\nutt_split = {odd}"));
        assert!(errors.contains("option `utt_split` takes"), "{errors}");
    }
}

#[test]
fn invalid_values_are_rejected() {
    for (text, expected) in [
        (
            "[api]\nbase_url = 'ftp://x'",
            "`api.base_url`: expected an http:// or https:// URL",
        ),
        (
            "[api]\nflow = 'one'",
            "`api.flow`: unknown flow `one`; expected `two-step` or `legacy`",
        ),
        (
            "[api]\nretention = '10ms'",
            "`api.retention`: expected at least \"1s\"",
        ),
        (
            "[output]\nformats = []",
            "`output.formats`: expected at least one",
        ),
        (
            "[output]\nformats = ['txt', 'txt']",
            "`output.formats`: `txt` is listed twice",
        ),
        ("[output]\nformats = ['doc']", "unknown output format `doc`"),
        (
            "[output]\nlayout = 'flat'",
            "expected \"mirror\" or \"beside\", found \"flat\"",
        ),
        (
            "[output]\ndir = ''",
            "`output.dir`: expected a path, found \"\"",
        ),
        (
            "[schedule]\nscan_every = '0s'",
            "`schedule.scan_every`: expected a duration of at least \"1ms\"",
        ),
        ("api = 1", "`api` is a table: write [api]"),
        (
            "[source]\nname = 'a'",
            "sources are an array of tables: write [[source]]",
        ),
        ("[api\n", "/etc/n.toml:1:5: "),
    ] {
        let errors = errors_of(text);
        assert!(errors.contains(expected), "{text}: {errors}");
    }
}

#[test]
fn invalid_channels_are_rejected_without_showing_secrets() {
    for (text, expected) in [
        (
            "[notify]\ncommand = 'mail me'",
            "`notify.command`: expected a program and its arguments, as in [\"program\", \"argument\"], found \"mail me\"",
        ),
        (
            "[notify]\ncommand = ['']",
            "`notify.command`: expected a program",
        ),
        (
            "[notify]\nwebhook = 'ftp://h/5ecret'",
            "`notify.webhook`: expected an http:// or https:// URL",
        ),
        (
            "[notify]\nwebhook = 'https://u:5ecret@h/'",
            "`notify.webhook`: the URL contains a user name or password",
        ),
        (
            "[notify]\nwebhook_secret = '5ecret'",
            "`notify.webhook_secret`: secrets are not allowed in the configuration; name an environment variable with `webhook_secret_env`",
        ),
        (
            "[notify]\nwebhook_secret_env = 'S'",
            "`notify.webhook`: required because a signing secret is set",
        ),
        (
            "[notify.email]\nto = ['me@h.org']",
            "`notify.email.from`: required key is missing",
        ),
        (
            "[notify.email]\nto = ['me']",
            "`notify.email.to`: expected an e-mail address like \"me@example.org\", found \"me\"",
        ),
        (
            "[notify.email]\npassword = '5ecret'",
            "`notify.email.password`: secrets are not allowed in the configuration",
        ),
        (
            "[notify.email]\nuser = 'me'",
            "`notify.email.user`: no password is set; name a variable with `password_env`",
        ),
        (
            "[notify.email]\nserver = 'smtps://me:5ecret@h'",
            "`notify.email.server`: expected \"smtps://host:465\"",
        ),
        (
            "[notify.email]\nform = 'a@b.org'",
            "`notify.email.form`: no such key; did you mean `from`?",
        ),
        (
            "[hooks]\non_done = ['x', '{ttx}']",
            "`hooks.on_done`: unknown placeholder `{ttx}`; did you mean `txt`?",
        ),
        (
            "[hooks]\non_done = ['x', '{srt}']",
            "`hooks.on_done`: `{srt}` is never written: add \"srt\" to `output.formats`",
        ),
        (
            "[hooks]\nconcurrency = 0",
            "`hooks.concurrency`: expected a whole number from 1 to 64, found 0",
        ),
    ] {
        let errors = errors_of(text);
        assert!(errors.contains(expected), "{text}: {errors}");
        assert!(!errors.contains("5ecret"), "{errors}");
    }
}

#[test]
fn invalid_sources_are_rejected_by_name() {
    for (text, expected) in [
        (
            "[[source]]\nname = 'a'",
            "/etc/n.toml:1:1: source `a`: `path`: required key is missing",
        ),
        (
            "[[source]]\npath = 'a'",
            "source 1: `name`: required key is missing",
        ),
        (
            "[[source]]\nname = '../a'\npath = 'b'",
            "source 1: `name`: expected a folder name",
        ),
        (
            "[[source]]\nname = '.a'\npath = 'b'",
            "source 1: `name`: expected a folder name",
        ),
        (
            &format!("{SOURCE}modell = 'x'"),
            "source `a`: `modell`: no such key; did you mean `model`?",
        ),
        (
            &format!("{SOURCE}model = 'nova-2-meating'"),
            "did you mean `#g1_nova-2-meeting`?",
        ),
        (
            &format!("{SOURCE}include = ['{{a']"),
            "source `a`: `include`: error parsing glob",
        ),
        (
            &format!("{SOURCE}include = []"),
            "source `a`: `include`: expected at least one pattern; omit the key to include every type of recording",
        ),
        (
            &format!("{SOURCE}settle = 30"),
            "source `a`: `settle`: expected a duration",
        ),
        (
            &format!("{SOURCE}[source.options]\ndiarise = true"),
            "/etc/n.toml:5:1: source `a`: option `diarise` is not supported by the service; did you mean `diarize`?",
        ),
        (
            &format!("{SOURCE}[source.options]\ndiarize = 'yes'"),
            "option `diarize` takes true or false, not \"yes\"",
        ),
        (
            &format!("{SOURCE}[[source]]\nname = 'A'\npath = 'b'"),
            "source `A`: another source has the same name",
        ),
    ] {
        let errors = errors_of(text);
        assert!(errors.contains(expected), "{text}: {errors}");
    }
}

#[test]
fn an_unknown_model_is_accepted_where_allowed() {
    let newer = format!("{SOURCE}model = 'nova-4'\n");
    assert!(built(&newer, &[]).is_err());
    assert!(built(&format!("{newer}allow_unknown_model = true"), &[]).is_ok());
    assert!(built(&format!("[api]\nallow_unknown_model = true\n{newer}"), &[]).is_ok());
    assert!(
        built(
            &format!("[api]\nallow_unknown_model = true\n{newer}allow_unknown_model = false"),
            &[]
        )
        .is_err()
    );
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

#[test]
fn a_byte_order_mark_and_crlf_are_accepted() {
    let config = built("\u{feff}[limits]\r\nmax_uploads = 2\r\n", &[]).unwrap();
    assert_eq!(config.limits.max_uploads, 2);
}

#[test]
fn every_path_with_a_tilde_needs_a_home() {
    let source = |keys: &str| format!("[[source]]\nname = 'a'\n{keys}\n");
    for (text, key) in [
        ("[api]\nkey_file = '~/key'\n".to_owned(), "`api.key_file`"),
        ("[state]\ndir = '~/state'\n".to_owned(), "`state.dir`"),
        ("[output]\ndir = '~'\n".to_owned(), "`output.dir`"),
        (
            "[notify]\ncommand = ['~/tell']\n".to_owned(),
            "`notify.command`",
        ),
        (
            "[hooks]\non_done = ['~/index']\n".to_owned(),
            "`hooks.on_done`",
        ),
        (source("path = '~/audio'"), "source `a`: `path`"),
        (source("path = '~ann/audio'"), "source `a`: `path`"),
    ] {
        let errors = errors_of(&text);
        assert!(errors.starts_with("/etc/n.toml:"), "{text}: {errors}");
        assert!(errors.contains(key), "{text}: {errors}");
        assert!(errors.contains("write the full path"), "{text}: {errors}");
        let with_home = built(&text, &[("HOME", "/home/me")]);
        assert_eq!(with_home.is_ok(), !text.contains("~ann"), "{text}");
    }
    let variable = built("", &[("NIGHTSCRIBE__STATE__DIR", "~/state")]);
    let errors = join_lines(&variable.unwrap_err());
    assert!(
        errors.contains("NIGHTSCRIBE__STATE__DIR: `state.dir`: `~`"),
        "{errors}"
    );
}

#[test]
fn formats_are_set_by_presets_and_single_keys() {
    let rendering = |text: &str| {
        built(&format!("[output]\n{text}"), &[])
            .unwrap()
            .output
            .rendering
    };
    assert_eq!(rendering(""), RenderOptions::default());
    let podcast = rendering("subtitles = 'podcast'").subtitles;
    assert_eq!((podcast.max_chars, podcast.max_lines), (32, 2));
    let own =
        rendering("subtitles = { preset = 'bbc', max_lines = 1, min_gap = '80ms' }").subtitles;
    assert_eq!((own.max_chars, own.max_lines), (37, 1));
    assert_eq!((own.max_cps, own.min_gap_ms), (17, 80));
    let txt = rendering("txt = { speakers = false, timestamps = true, width = 72 }").txt;
    assert_eq!(
        (txt.speakers, txt.timestamps, txt.width),
        (false, true, Some(72))
    );
    let variables = [
        ("NIGHTSCRIBE__OUTPUT__SUBTITLES__MAX_CHARS", "37"),
        ("NIGHTSCRIBE__OUTPUT__TXT__WIDTH", "60"),
    ];
    let set = built("", &variables).unwrap().output.rendering;
    assert_eq!((set.subtitles.max_chars, set.txt.width), (37, Some(60)));
}

#[test]
fn impossible_settings_of_formats_are_rejected() {
    let text = "[output]\nsubtitles = { max_chars = 3, max_lines = 4, max_cps = 0, min_gap = '2s', gap = 1 }\n\
                txt = { width = 1, speaker = true }\n";
    let errors = errors_of(text);
    for expected in [
        "`output.subtitles.max_chars`: expected a whole number from 16 to 100, found 3",
        "`output.subtitles.max_lines`: expected a whole number from 1 to 2, found 4",
        "`output.subtitles.max_cps`: expected a whole number from 5 to 50, found 0",
        "`output.subtitles.min_gap`: expected a duration of at most \"500ms\", found \"2s\"",
        "`output.subtitles.gap`: no such key",
        "`output.txt.width`: expected a whole number from 20 to 1000, found 1",
        "`output.txt.speaker`: no such key; did you mean `speakers`?",
    ] {
        assert!(errors.contains(expected), "{expected}\n{errors}");
    }
    let unknown = errors_of("[output]\nsubtitles = 'hbo'\n");
    assert!(
        unknown.contains("unknown preset `hbo`; expected netflix, bbc or podcast"),
        "{unknown}"
    );
}
