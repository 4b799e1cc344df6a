//! A model that the service does not offer or cannot run stops no other.

use crate::harness::{CommandResult, TestEnv, settings, wav};
use nightscribe_sandbox::Settings;
use std::fs;

const SICK: &str = "#g1_nova-2-drivethru";

/// Returns an environment with 20 recordings for the default model and 5 for `SICK`, which come first in the queue.
fn environment(settings: Settings) -> TestEnv {
    let env = TestEnv::with_recordings(settings, 20);
    fs::create_dir(env.path("sick")).unwrap();
    for number in 0..5 {
        fs::write(
            env.path(format!("sick/{number}.wav")),
            wav(100 + number, 8_000),
        )
        .unwrap();
    }
    let sick =
        format!("[[source]]\nname = 'sick'\npath = 'sick'\nmodel = '{SICK}'\nsettle = '0s'\n");
    let healthy = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";
    env.configure_with("", &format!("{sick}{healthy}"));
    env
}

fn assert_others_done(env: &TestEnv, result: &CommandResult) {
    let done = env.count("done");
    assert_eq!(done, 20, "{}", result.stderr);
}

#[test]
fn recordings_of_a_withdrawn_model_fail_by_name() {
    let env = environment(Settings {
        withdrawn_models: vec![SICK.to_owned()],
        ..settings()
    });
    let result = env.run_once(1);
    assert_others_done(&env, &result);
    let items = env.items().into_iter();
    let failed: Vec<_> = items.filter(|item| item["state"] == "failed").collect();
    assert_eq!(failed.len(), 5);
    for item in failed {
        let message = item["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!(
                "`{SICK}` is replaced by `deepgram/nova-3-general`"
            )),
            "{message}"
        );
    }
    assert!(!result.stderr.contains("could not be reached"));
}

#[test]
fn recordings_of_a_failing_model_stay_queued() {
    let env = environment(Settings {
        failing_models: vec![SICK.to_owned()],
        ..settings()
    });
    let result = env.run_once(1);
    assert_others_done(&env, &result);
    assert_eq!(env.count("queued") + env.count("failed"), 5);
    assert!(env.count("queued") > 0, "{}", result.stderr);
    assert!(
        result
            .stderr
            .contains("cannot run nova-2-drivethru at present"),
        "{}",
        result.stderr
    );
}
