//! Wrong uses: each names what is wrong and what to do, with its exit code.

use crate::harness::{CommandResult, TestEnv, run_command, settings};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Commands that need a configuration file.
const COMMANDS: &[&[&str]] = &[
    &["check"],
    &["scan"],
    &["add", "x.wav"],
    &["plan"],
    &["prices"],
    &["report"],
    &["run", "--once"],
    &["run", "--dry-run"],
    &["status"],
    &["status", "--json"],
    &["status", "--watch"],
    &["list"],
    &["show", "1"],
    &["retry", "--failed"],
    &["cancel", "1"],
    &["pause"],
    &["resume"],
    &["export", "--all", "--format", "txt"],
    &["adopt"],
    &["notify", "--test"],
    &["service", "install", "--user"],
];

/// Runs the binary without a configuration, in an empty folder with a home.
fn run_unconfigured(args: &[&str]) -> (CommandResult, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightscribe"));
    command
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path().join("home"));
    let result = run_command(&mut command);
    (result, fs::read_dir(folder.path()).unwrap().count())
}

#[test]
fn without_a_configuration_every_command_names_what_it_looked_for() {
    for args in COMMANDS {
        let (result, files) = run_unconfigured(args);
        let output = result.stdout + &result.stderr;
        assert_eq!(result.code, 2, "{args:?}: {output}");
        for part in [
            "no configuration file: looked for ",
            "/nightscribe.toml, ",
            "home/.config/nightscribe/config.toml and /etc/nightscribe/config.toml",
            "`nightscribe init` writes one, `--config` selects one",
        ] {
            assert!(output.contains(part), "{args:?}: {output}");
        }
        assert_eq!(files, 0, "{args:?} created a file");
    }
}

/// Runs a command as a user who may not search the state folder.
fn run_as_stranger(env: &TestEnv, args: &[&str]) -> CommandResult {
    let mut command = env.command(args);
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    run_command(&mut command)
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn another_user_s_state_folder_is_refused_alike() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let mode = |name: &str, mode| {
        fs::set_permissions(env.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("state", if is_root() { 0o700 } else { 0 });
    for args in [
        &["check"][..],
        &["scan"],
        &["add", "recordings/0.wav"],
        &["plan"],
        &["prices"],
        &["report"],
        &["run", "--once"],
        &["status"],
        &["list"],
        &["show", "0.wav"],
        &["retry", "--failed"],
        &["cancel", "1"],
        &["pause"],
        &["resume"],
        &["export", "--all", "--format", "txt"],
        &["adopt"],
    ] {
        let result = run_as_stranger(&env, args);
        let output = result.stdout + &result.stderr;
        assert_eq!(result.code, 2, "{args:?}: {output}");
        let refused = format!(
            "the state folder `{}` cannot be used: Permission denied",
            env.path("state").display()
        );
        assert!(output.contains(&refused), "{args:?}: {output}");
        if is_root() && args != ["check"] {
            assert!(
                output.contains("it belongs to `root`: run the command as that user"),
                "{args:?}: {output}"
            );
        }
    }
    mode("state", 0o700);
}

/// A wrong use: arguments, exit code, and parts of the output.
type WrongUse = (&'static [&'static str], i32, &'static [&'static str]);

const WRONG_USES: &[WrongUse] = &[
    (&["runn"], 2, &["unrecognized subcommand 'runn'", "run"]),
    (
        &["--config", "nowhere.toml", "status"],
        2,
        &[
            "cannot read the configuration",
            "nowhere.toml",
            "No such file",
        ],
    ),
    (
        &["--config", ".", "status"],
        2,
        &["cannot read the configuration"],
    ),
    (&["run", "--until", "25:00"], 2, &["--until"]),
    (&["run", "--until", "6"], 2, &["--until"]),
    (&["run", "--for", "soon"], 2, &["--for"]),
    (&["run", "--limit", "-1"], 2, &["--limit"]),
    (
        &["run", "--until", "06:00", "--for", "1h"],
        2,
        &["cannot be used with"],
    ),
    (
        &["run", "--once", "--source", "tals"],
        2,
        &["there is no source `tals`", "did you mean `talks`?"],
    ),
    (
        &["run", "--dry-run", "--events"],
        2,
        &["cannot be used with"],
    ),
    (&["run", "--json"], 2, &["--dry-run"]),
    (
        &["run", "--once", "--once"],
        2,
        &["cannot be used multiple times"],
    ),
    (&["-q", "-v", "run"], 2, &["cannot be used with"]),
    (&["--log-format", "xml", "run"], 2, &["text", "json"]),
    (&["list", "--state", "don"], 2, &["don"]),
    (
        &["list", "--source", "tals"],
        2,
        &["there is no source `tals`", "did you mean `talks`?"],
    ),
    (&["list", "--limit", "x"], 2, &["--limit"]),
    (
        &["list", "--since", "yesterday"],
        2,
        &["a day like 2026-11-01"],
    ),
    (&["list", "--sort", "size"], 2, &["newest", "longest"]),
    (&["show"], 2, &["<ITEM>"]),
    (
        &["show", "99"],
        2,
        &["there is no item `99`; `nightscribe list` shows all items"],
    ),
    (&["show", "1", "99"], 2, &["there is no item `99`"]),
    (
        &["show", "nowhere.wav"],
        2,
        &["there is no item `nowhere.wav`"],
    ),
    (
        &["show", "9-3"],
        2,
        &["`9-3`: the range ends before it starts; write 3-9"],
    ),
    (&["show", "50-60"], 2, &["there is no item `50-60`"]),
    (&["show", "*.mp3"], 2, &["there is no item `*.mp3`"]),
    (
        &["show", ""],
        2,
        &["expected an item ID, a range of IDs, a path or a pattern"],
    ),
    (&["retry"], 2, &["--failed"]),
    (&["retry", "99"], 2, &["there is no item 99"]),
    (
        &["retry", "1"],
        2,
        &["item 1 is done; only failed, cancelled or excluded items"],
    ),
    (
        &["retry", "*.mp3"],
        2,
        &["there is no item `*.mp3`", "0 items requeued"],
    ),
    (
        &["retry", "--source", "tals"],
        2,
        &["did you mean `talks`?"],
    ),
    (&["retry", "--error", "nonsense"], 2, &["nonsense"]),
    (&["cancel"], 2, &["<ITEM>"]),
    (
        &["cancel", "1"],
        2,
        &["item 1 is done; only queued, pending or excluded items can be cancelled"],
    ),
    (&["cancel", "99"], 2, &["there is no item 99"]),
    (
        &["cancel", "nowhere.wav"],
        2,
        &["there is no item `nowhere.wav`"],
    ),
    (&["export", "1"], 2, &["--format"]),
    (&["export", "--format", "srt"], 2, &["--all"]),
    (
        &["export", "--all", "1", "--format", "srt"],
        2,
        &["cannot be used with"],
    ),
    (&["export", "1", "--format", "doc"], 2, &["doc"]),
    (
        &["export", "99", "--format", "srt"],
        1,
        &["item 99: no result is stored"],
    ),
    (
        &["export", "nowhere.wav", "--format", "srt"],
        2,
        &["there is no item `nowhere.wav`"],
    ),
    (&["add"], 2, &["<PATH|URL>"]),
    (&["add", "nowhere.wav"], 2, &["nowhere.wav: No such file"]),
    (
        &["add", "ftp://host/a.mp3"],
        2,
        &["the service downloads only http:// and https:// URLs"],
    ),
    (
        &["add", "--source", "tals", "recordings/0.wav"],
        2,
        &["did you mean `talks`?"],
    ),
    (&["pause", "--until", "soon"], 2, &["--until"]),
    (
        &["report", "--since", "soon"],
        2,
        &["a day like 2026-11-01"],
    ),
    (&["report", "--by", "week"], 2, &["source", "model", "day"]),
    (&["report", "--json", "--csv"], 2, &["cannot be used with"]),
    (&["notify"], 2, &["--test"]),
    (
        &["notify", "--test"],
        2,
        &["no notification channel is configured", "[notify]"],
    ),
    (&["init"], 2, &["already exists; --force overwrites it"]),
    (
        &["init", "a.toml", "--config", "b.toml"],
        2,
        &["name the file to write once"],
    ),
    (&["service"], 2, &["install"]),
    (
        &["service", "install", "--user", "--system"],
        2,
        &["cannot be used with"],
    ),
    (
        &["demo", "--dir", "."],
        2,
        &["choose a new or empty folder"],
    ),
    (
        &["sandbox", "--fault", "slwo=1"],
        2,
        &["did you mean `slow`?"],
    ),
    (&["completions", "csh"], 2, &["csh"]),
];

#[test]
fn each_wrong_use_is_explained() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    // The demo accepts a folder with a configuration.
    fs::write(env.path("precious"), "").unwrap();
    for (args, code, parts) in WRONG_USES {
        if args == &["demo", "--dir", "."] {
            fs::rename(env.path("nightscribe.toml"), env.path("moved.toml")).unwrap();
        }
        let result = env.run(args);
        if args == &["demo", "--dir", "."] {
            fs::rename(env.path("moved.toml"), env.path("nightscribe.toml")).unwrap();
        }
        let output = result.stdout + &result.stderr;
        assert_eq!(result.code, *code, "{args:?}: {output}");
        for part in *parts {
            assert!(
                output.contains(part),
                "{args:?}: `{part}` is not in {output}"
            );
        }
    }
    assert_eq!(env.sandbox().ledger().paid, 1);
}
