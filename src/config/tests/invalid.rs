//! Invalid settings, with their location and a suggestion.

use super::{SOURCE, built, errors_of};
use crate::config::load::join_lines;

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
