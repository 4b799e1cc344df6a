//! Models, options and prices of the service.

use crate::harness::{TestEnv, settings, wav};
use nightscribe_sandbox::Settings;
use std::fs;

fn source(model: &str, more: &str) -> String {
    format!(
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmodel = '{model}'\n{more}"
    )
}

#[test]
fn check_and_models_name_a_withdrawn_model() {
    let env = TestEnv::new(Settings {
        withdrawn_models: vec!["#g1_nova-2-drivethru".to_owned()],
        ..settings()
    });
    env.configure_with("", &source("deepgram/nova-2-drivethru", ""));
    let check = env.run(&["check"]);
    assert_eq!(check.code, 2, "{}", check.stdout);
    let expected = "`#g1_nova-2-drivethru` is withdrawn; use `deepgram/nova-3-general`";
    assert!(check.stdout.contains(expected), "{}", check.stdout);
    let models = env.run(&["models"]).stdout;
    assert!(
        models.contains("withdrawn; replaced by deepgram/nova-3-general"),
        "{models}"
    );
    assert!(
        models.contains("From the service's catalogue of "),
        "{models}"
    );
    assert!(!models.contains("openai/gpt-4o "), "{models}");
}

#[test]
fn the_stored_catalogue_is_used_without_the_service() {
    let mut env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let asked = env.run(&["models"]).stdout;
    env.stop_sandbox();
    assert_eq!(env.run(&["models"]).stdout, asked);
}

#[test]
fn check_warns_of_options_without_effect() {
    let env = TestEnv::new(settings());
    let options = "[source.options]\ndetect_topics = true\n";
    env.configure_with("", &source("#g1_nova-2-general", options));
    let check = env.run(&["check"]);
    let expected = "source `talks`: `detect_topics` is retired and has no effect; use `topics`";
    assert!(check.stdout.contains(expected), "{}", check.stdout);
}

#[test]
fn a_recording_that_is_too_long_for_its_model_is_not_sent() {
    let env = TestEnv::with_recordings(settings(), 1);
    let long = env.path("recordings/long.wav");
    fs::write(long, wav(1, 1401 * 8_000)).unwrap();
    env.configure_with("", &source("openai/gpt-4o-transcribe", ""));
    env.run_once(1);
    let item = env.item("long.wav");
    let message = item["error"]["message"].as_str().unwrap();
    assert!(message.contains("takes at most 1400 s"), "{message}");
    assert!(message.contains("`#g1_nova-2-general`"), "{message}");
    assert_eq!(item["attempts"], 0);
    assert_eq!(env.item("0.wav")["state"], "done");
    assert!(env.sandbox().ledger().refused.is_empty());
}

#[test]
fn a_vocabulary_file_becomes_the_option_of_the_model() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with(
        "",
        &source("#g1_nova-2-general", "vocabulary = 'words.txt'\n"),
    );
    let missing = env.run(&["check"]);
    assert_eq!(missing.code, 2, "{}", missing.stdout);
    assert!(
        missing.stdout.contains("words.txt` does not exist"),
        "{}",
        missing.stdout
    );
    fs::write(env.path("words.txt"), "# names\nZuse\nLovelace\n").unwrap();
    env.run_once(0);
    let options = env.item("0.wav")["options"].to_string();
    assert_eq!(options, r#"{"keywords":["Zuse","Lovelace"]}"#);
}

#[test]
fn a_price_per_token_is_named_and_charges_count() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with("", &source("openai/gpt-4o-transcribe", ""));
    let prices = env.run(&["prices", "--refresh"]);
    let expected = "openai/gpt-4o-transcribe: charged per token, not per time of audio";
    assert!(
        prices.stdout.contains(expected),
        "{}{}",
        prices.stdout,
        prices.stderr
    );
    assert!(
        prices.stdout.contains("at most 0.012 USD"),
        "{}",
        prices.stdout
    );
    let json = env.run(&["prices", "--json"]).stdout;
    let unpriced = r#""unpriced":"charged per token, not per time of audio"}"#;
    assert!(json.contains(unpriced), "{json}");
    let plan = env.run(&["plan"]).stdout;
    assert!(
        plan.contains("(charged per token, not per time of audio)"),
        "{plan}"
    );
    env.run_once(0);
    let report = env.run(&["report", "--json"]).stdout;
    assert!(report.contains("\"cost\":0.0001"), "{report}");
}

#[test]
fn reconciling_needs_only_one_of_the_lists() {
    for management_key in [false, true] {
        let settings = Settings {
            management_key,
            ..settings()
        };
        let env = TestEnv::with_recordings(settings, 3);
        env.run_once(0);
        let report = env.run(&["report", "--reconcile"]);
        assert_eq!(report.code, 0, "{}", report.stderr);
        assert!(
            report.stdout.contains("No differences"),
            "{}",
            report.stdout
        );
    }
}

#[test]
fn models_are_listed_with_an_unusable_configuration() {
    let env = TestEnv::new(settings());
    env.configure_with("", &source("acme/unheard-of", "surprise = 1\n"));
    let models = env.run(&["models"]);
    assert_eq!(models.code, 0);
    assert!(models.stdout.contains("Built-in list"), "{}", models.stdout);
    let reason = models.stderr;
    assert!(
        reason.contains("the configuration cannot be used"),
        "{reason}"
    );
    assert!(reason.contains("surprise"), "{reason}");
}
