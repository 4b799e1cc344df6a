//! Lengths that only ffprobe tells, and files that are submitted although they are truncated.

use crate::harness::{TestEnv, settings, wav};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Sound of a kind that no reader knows.
const UNKNOWN: &[u8] = b"wvpk\x12\x34\x56\x78 some sound \x00\x01\x02\x03 of an unknown kind";
const ANSWER: &str =
    r#"echo '{"streams":[{"codec_type":"audio","duration":"12.5"}],"format":{"duration":"99.0"}}'"#;

/// Installs a program in place of ffprobe that logs its arguments, one in a line, and runs `answer` for a recording.
fn install(env: &TestEnv, version: &str, answer: &str) {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = -version ]; then echo 'ffprobe version {version} Copyright'; exit; fi\n\
         for argument; do echo \"$argument\" >> '{}'; done\n{answer}\n",
        env.path("calls").display()
    );
    fs::write(env.path("ffprobe"), script).unwrap();
    fs::set_permissions(env.path("ffprobe"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn env_with(answer: &str) -> TestEnv {
    let env = TestEnv::new(settings());
    install(&env, "7.1", answer);
    env.configure("[media]\nffprobe = './ffprobe'\n");
    fs::write(env.path("recordings/-i.mp3"), UNKNOWN).unwrap();
    env
}

/// Returns the number of recordings that the program was asked about.
fn calls(env: &TestEnv) -> usize {
    let calls = fs::read_to_string(env.path("calls")).unwrap_or_default();
    calls.lines().filter(|line| *line == "-i").count()
}

fn plan(env: &TestEnv) -> Value {
    let plan = env.run(&["plan", "--json"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    serde_json::from_str(&plan.stdout).unwrap()
}

#[test]
fn ffprobe_tells_a_length_once() {
    let env = env_with(ANSWER);
    let first = plan(&env);
    assert_eq!(
        (&first["unknown_length"], &first["audio_s"]),
        (&0.into(), &12.5.into())
    );
    let calls_text = fs::read_to_string(env.path("calls")).unwrap();
    let path = fs::canonicalize(env.path("recordings/-i.mp3")).unwrap();
    assert!(
        calls_text.contains("\n-protocol_whitelist\nfile\n"),
        "{calls_text}"
    );
    assert!(
        calls_text.ends_with(&format!("\n-i\nfile:{}\n", path.display())),
        "{calls_text}"
    );
    assert_eq!(plan(&env)["audio_s"], 12.5);
    env.run_once(0);
    assert_eq!((calls(&env), env.count("done")), (1, 1));
}

#[test]
fn a_run_applies_the_limits_to_a_length_of_ffprobe() {
    let env = env_with(ANSWER);
    let source =
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmin_duration = '20s'\n";
    env.configure_with("[media]\nffprobe = './ffprobe'\n", source);
    env.run_once(0);
    let item = env.item("-i.mp3");
    assert_eq!(
        (&item["state"], &item["duration_s"]),
        (&"excluded".into(), &12.5.into())
    );
}

#[test]
fn an_unknown_length_is_tried_again_only_with_another_ffprobe() {
    for answer in ["exit 1", "echo '{'", "yes", "echo '{}'", "kill -9 $$"] {
        let env = env_with(answer);
        for _ in 0..2 {
            assert_eq!(plan(&env)["unknown_length"], 1, "{answer}");
        }
        assert_eq!(calls(&env), 1, "{answer}");
        install(&env, "7.2", ANSWER);
        let plan = plan(&env);
        assert_eq!(
            (calls(&env), &plan["audio_s"]),
            (2, &12.5.into()),
            "{answer}"
        );
    }
}

#[test]
fn an_ffprobe_that_is_installed_later_is_asked() {
    let env = env_with(ANSWER);
    env.configure("[media]\nffprobe = 'never'\n");
    assert_eq!(plan(&env)["unknown_length"], 1);
    assert_eq!(calls(&env), 0);
    let path = format!("{}:/usr/bin:/bin", env.path("").display());
    let mut command = env.command(&["plan", "--json"]);
    env.configure("");
    command.env("PATH", path);
    let plan = crate::harness::run_command(&mut command);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["audio_s"], 12.5);
}

#[test]
fn a_changed_file_is_probed_again() {
    let env = env_with("exit 1");
    plan(&env);
    fs::write(env.path("recordings/-i.mp3"), [UNKNOWN, b"more"].concat()).unwrap();
    plan(&env);
    assert_eq!(calls(&env), 2);
}

#[test]
fn a_missing_or_other_program_stops_nothing() {
    for program in ["/nowhere/ffprobe", "/bin/true"] {
        let env = env_with(ANSWER);
        env.configure(&format!("[media]\nffprobe = '{program}'\n"));
        let check = env.run(&["check"]);
        assert!(
            check.stdout.contains("lengths of WavPack"),
            "{}",
            check.stdout
        );
        let run = env.run_once(0);
        assert!(
            run.stderr.contains("ffprobe does not work"),
            "{}",
            run.stderr
        );
        assert_eq!(env.count("done"), 1);
    }
}

#[test]
fn check_names_the_version_of_ffprobe() {
    let env = env_with(ANSWER);
    let check = env.run(&["check"]).stdout;
    assert!(check.contains("ffprobe 7.1"), "{check}");
    env.configure("");
    let check = env.run(&["check"]).stdout;
    assert!(check.contains("ffprobe is not in $PATH"), "{check}");
}

fn truncated(env: &TestEnv, name: &str) {
    let bytes = &wav(3, 24_000)[..12_000];
    fs::write(env.path("recordings").join(name), bytes).unwrap();
}

#[test]
fn a_truncated_file_is_submitted_on_request() {
    let env = TestEnv::new(settings());
    truncated(&env, "a.wav");
    env.run_once(1);
    let failed = env.item("a.wav");
    assert_eq!(failed["error"]["class"], "unreadable");
    let shown = env.run(&["show", "1"]).stdout;
    assert!(
        shown.contains("`nightscribe retry --as-is ITEM`"),
        "{shown}"
    );
    let retried = env.run(&["retry", "--as-is", "1"]);
    assert_eq!(
        (retried.code, &retried.stdout[..]),
        (0, "1 item requeued\n")
    );
    let plan = plan(&env);
    assert_eq!(
        (&plan["files"], &plan["unknown_length"]),
        (&1.into(), &1.into())
    );
    let list = env.run(&["list"]).stdout;
    assert!(list.contains("as it is; "), "{list}");
    env.run_once(0);
    let item = env.item("a.wav");
    assert_eq!(
        (&item["state"], &item["as_is"]),
        (&"done".into(), &true.into())
    );
    let shown = env.run(&["show", "1"]).stdout;
    assert!(shown.contains("although the file is truncated"), "{shown}");
    // The next version of the file is another recording.
    fs::write(env.path("recordings/a.wav"), &wav(4, 24_000)[..11_000]).unwrap();
    env.run_once(1);
    assert_eq!(env.item("a.wav")["as_is"], false);
    assert_eq!(env.sandbox().ledger().paid, 1);
}

#[test]
fn an_approval_ends_when_the_file_changes() {
    let env = TestEnv::new(settings());
    truncated(&env, "a.wav");
    env.run_once(1);
    env.run(&["retry", "--as-is", "1"]);
    fs::write(env.path("recordings/a.wav"), &wav(4, 24_000)[..11_000]).unwrap();
    env.run_once(1);
    let item = env.item("a.wav");
    assert_eq!(
        (&item["state"], &item["as_is"]),
        (&"failed".into(), &false.into())
    );
    assert_eq!(env.sandbox().ledger().paid, 0);
}

#[test]
fn as_is_concerns_only_truncated_files() {
    let env = TestEnv::new(settings());
    fs::write(env.path("recordings/a.wav"), "").unwrap();
    fs::write(env.path("recordings/b.wav"), "some text").unwrap();
    env.run_once(1);
    let retried = env.run(&["retry", "--as-is", "1", "2"]);
    assert_eq!(retried.code, 2);
    let refusal = "item 2 did not fail as unreadable, so `--as-is` does not concern it";
    assert!(retried.stderr.contains(refusal), "{}", retried.stderr);
    env.run_once(1);
    assert_eq!(env.item("a.wav")["error"]["message"], "the file is empty");
    assert_eq!(env.run(&["retry", "--as-is"]).code, 2);
    assert_eq!(env.sandbox().ledger().paid, 0);
}
