//! Example clients from the documentation of the service, against the sandbox. They need python3 with `requests`.

use nightscribe_sandbox::{Sandbox, Settings};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// Runs an example and returns its output. The examples sleep only if the first poll finds no transcript.
async fn run(sandbox: &Sandbox, example: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = std::process::Command::new("python3");
    command
        .arg(root.join("tests/fixtures").join(example))
        .env("BASE_URL", sandbox.base_url())
        .env("API_KEY", "any")
        .env(
            "AUDIO_FILE",
            root.join("src/cli/demo/recordings/evening.mp3"),
        )
        .env("AUDIO_URL", "https://example.org/sample-0.mp3")
        .env("PYTHONIOENCODING", "utf-8")
        .env("NO_PROXY", "*");
    let result: Output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let errors = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success(), "{errors}");
    String::from_utf8(result.stdout).unwrap()
}

async fn sandbox() -> Sandbox {
    let settings = Settings {
        delay: Duration::ZERO,
        ..Settings::default()
    };
    Sandbox::start(settings).await.unwrap()
}

#[tokio::test]
async fn the_file_example_prints_a_transcript() {
    let sandbox = sandbox().await;
    let output = run(&sandbox, "vendor_example_file.py").await;
    let row = &sandbox.ledger().generations[0];
    assert_eq!(
        (row.name.as_str(), row.bytes, row.fetched),
        ("sample.mp3", 29_459, true)
    );
    assert!(
        output.starts_with(&format!(
            "{{'generation_id': '{}'}}\nProcessing complete:/n this is",
            row.id
        )),
        "{output}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_url_example_prints_a_transcript() {
    let sandbox = sandbox().await;
    let output = run(&sandbox, "vendor_example_url.py").await;
    let row = &sandbox.ledger().generations[0];
    assert_eq!(
        (row.name.as_str(), row.fetched),
        ("https://example.org/sample-0.mp3", true)
    );
    assert!(
        output.contains("Processing complete:/n this is the nightscribe sandbox"),
        "{output}"
    );
    sandbox.stop().await;
}
