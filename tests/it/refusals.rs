//! Commands without a configuration, and with the state folder of another user: the same refusal everywhere.

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
