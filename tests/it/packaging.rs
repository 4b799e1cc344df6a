//! Completions and manual pages.

use crate::cli::run_in;
use crate::harness::{TestEnv, run_command, settings};
use nightscribe::provider::models::MODELS;
use std::fs;

/// Returns the completions of the last word of a command line in bash.
fn completions(env: &TestEnv, line: &[&str]) -> Vec<String> {
    let mut command = env.command(&["--", "nightscribe"]);
    command.args(line);
    command.env("NIGHTSCRIBE_COMPLETE", "bash");
    command.env("_CLAP_COMPLETE_INDEX", line.len().to_string());
    let result = run_command(&mut command);
    assert_eq!(result.code, 0, "{}", result.stderr);
    result.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn completions_include_sources_states_and_error_classes() {
    let env = TestEnv::new(settings());
    assert_eq!(completions(&env, &["list", "--source", ""]), ["talks"]);
    assert_eq!(completions(&env, &["retry", "--source", "t"]), ["talks"]);
    assert_eq!(completions(&env, &["list", "--state", "p"]), ["pending"],);
    assert_eq!(
        completions(&env, &["retry", "--error", "ra"]),
        ["rate_limited"]
    );
    fs::write(
        env.path("other.toml"),
        "[[source]]\nname = 'beds'\npath = '.'\n",
    )
    .unwrap();
    assert_eq!(
        completions(&env, &["--config", "other.toml", "list", "--source", ""]),
        ["beds"]
    );
    fs::write(env.path("nightscribe.toml"), "nonsense").unwrap();
    assert!(completions(&env, &["list", "--source", ""]).is_empty());
    let commands = completions(&env, &["ser"]);
    assert_eq!(commands, ["serve", "service"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_in(&["man", "--dir", "man1"], folder.path()).code, 0);
    let page = |name: &str| fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
    assert_eq!(
        page("nightscribe.1"),
        run_in(&["man"], folder.path()).stdout
    );
    assert!(page("nightscribe-list.1").contains("\\-\\-state"));
    assert!(page("nightscribe-service-install.1").contains("\\-\\-user"));
    let pages = fs::read_dir(folder.path().join("man1")).unwrap().count();
    let help = run_in(&["--help"], folder.path()).stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap().lines();
    let commands = commands.take_while(|line| line.starts_with("  "));
    // A line indented further continues a description.
    let commands = commands.filter(|line| !line.starts_with("   ")).count();
    // No page for `help`, one for the program, three for the commands of `service`, one for the configuration.
    assert_eq!(pages, commands - 1 + 1 + 3 + 1);
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(run_in(&["man", "--dir", "file/x"], folder.path()).code, 2);
}

#[test]
fn completions_manual_and_models_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        run_in(&["completions", "bash"], folder.path())
            .stdout
            .contains("_nightscribe()")
    );
    let man = run_in(&["man"], folder.path()).stdout;
    assert!(man.contains(".TH nightscribe 1") && man.contains("NIGHTSCRIBE RETRY"));
    let models = run_in(&["models"], folder.path()).stdout;
    assert_eq!(models.lines().count(), MODELS.len() + 2);
}
