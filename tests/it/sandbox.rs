//! The sandbox over real HTTP, with a client that shares no code with nightscribe.

mod faults;

use nightscribe_sandbox::{Sandbox, Settings, Timestamp};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const MODEL: &str = "#g1_nova-2-general";

fn client() -> Client {
    // Fails for all but the first test of a process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

/// Starts a sandbox without delay and with changed settings.
async fn sandbox(change: impl FnOnce(&mut Settings)) -> Sandbox {
    let mut settings = Settings {
        delay: Duration::ZERO,
        ..Settings::default()
    };
    change(&mut settings);
    Sandbox::start(settings).await.unwrap()
}

/// Returns bytes that the sandbox accepts as audio.
fn noise(size_bytes: usize) -> Vec<u8> {
    (0..size_bytes).map(|n| (n * 31 % 251) as u8).collect()
}

fn form() -> Form {
    Form::new()
        .text("model", MODEL)
        .part("audio", Part::bytes(noise(32_000)).file_name("a.bin"))
}

/// Returns a submission request without its body.
fn create_request(sandbox: &Sandbox) -> RequestBuilder {
    let url = format!("{}/stt/create", sandbox.base_url());
    client().post(url).bearer_auth("key")
}

/// Submits a form and returns the generation ID.
async fn create_generation(sandbox: &Sandbox) -> String {
    let response = create_request(sandbox)
        .multipart(form())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    json_of(response).await["generation_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Polls a generation.
async fn poll(sandbox: &Sandbox, id: &str) -> Response {
    let url = format!("{}/stt/{id}", sandbox.base_url());
    client().get(url).bearer_auth("key").send().await.unwrap()
}

async fn json_of(response: Response) -> Value {
    response.json().await.unwrap()
}

/// Submits a form and returns the status and the message of the error.
async fn rejection(sandbox: &Sandbox, form: Form) -> (u16, String) {
    let response = create_request(sandbox)
        .multipart(form)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (
        status,
        json_of(response).await["message"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

#[tokio::test]
async fn a_submission_is_transcribed() {
    let sandbox = sandbox(|_| {}).await;
    let request = create_request(&sandbox)
        .header("x-client-request-id", "mine-1")
        .multipart(form());
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let header = |name| response.headers()[name].to_str().unwrap().to_owned();
    let (inference_id, echo) = (header("x-inference-id"), header("x-client-request-id"));
    assert_eq!(echo, "mine-1");
    assert!(!header("x-request-id").is_empty());
    let id = json_of(response).await["generation_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(id, inference_id);

    let response = poll(&sandbox, &id).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-inference-id"], id.as_str());
    let body = json_of(response).await;
    assert_eq!(body["status"], "completed");
    assert_eq!(body["result"]["metadata"]["duration"], 2.0);
    let transcript = &body["result"]["results"]["channels"][0]["alternatives"][0]["transcript"];
    assert!(
        transcript
            .as_str()
            .unwrap()
            .starts_with("this is the nightscribe sandbox not speech recognition")
    );

    let ledger = sandbox.ledger();
    let row = &ledger.generations[0];
    assert_eq!((ledger.accepted, ledger.paid, ledger.polls), (1, 1, 1));
    assert_eq!(
        (row.id.as_str(), row.name.as_str(), row.bytes),
        (id.as_str(), "a.bin", 32_000)
    );
    assert_eq!(
        (row.client_request_id.as_deref(), row.polls, row.fetched),
        (Some("mine-1"), 1, true)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_status_of_a_generation_follows_the_clock() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let settings = Settings {
        delay: Duration::from_secs(8),
        retention: Duration::from_secs(100),
        ..Settings::default()
    };
    let clock = move || Timestamp::from_millis(clock.load(Ordering::Relaxed));
    let sandbox = Sandbox::start_with_clock(settings, clock).await.unwrap();
    let id = create_generation(&sandbox).await;
    for (at_ms, expected) in [
        (0, json!("waiting")),
        (1_999, json!("waiting")),
        (2_000, json!("active")),
        (8_000, json!("completed")),
        (99_999, json!("completed")),
        (100_000, json!(null)),
    ] {
        now.store(at_ms, Ordering::Relaxed);
        assert_eq!(
            json_of(poll(&sandbox, &id).await).await["status"],
            expected,
            "{at_ms}"
        );
    }
    assert_eq!(poll(&sandbox, &id).await.status(), 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_legacy_call_returns_the_bare_transcript() {
    let sandbox = sandbox(|_| {}).await;
    let body = json!({"model": MODEL, "url": "https://example.org/talk.mp3", "smart_format": true});
    let url = format!("{}/stt", sandbox.base_url());
    let response = client()
        .post(url)
        .bearer_auth("key")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let body = json_of(response).await;
    assert!(body.get("status").is_none());
    assert_eq!(body["metadata"]["duration"], 30.0);
    assert!(sandbox.ledger().generations[0].fetched);
    sandbox.stop().await;
}

#[tokio::test]
async fn invalid_forms_are_rejected_with_a_reason() {
    let sandbox = sandbox(|_| {}).await;
    let audio = || Part::bytes(noise(1000)).file_name("a.mp3");
    let model = || Form::new().text("model", MODEL);
    let model_last = Form::new()
        .part("audio", audio())
        .text("diarize", "true")
        .text("model", MODEL);
    assert_eq!(
        create_request(&sandbox)
            .multipart(model_last)
            .send()
            .await
            .unwrap()
            .status(),
        201
    );
    let openai = Form::new()
        .text("model", "openai/gpt-4o-transcribe")
        .part("file", audio());
    assert_eq!(
        create_request(&sandbox)
            .multipart(openai)
            .send()
            .await
            .unwrap()
            .status(),
        201
    );

    let text = Part::bytes(b"<html>an error page</html>".as_slice()).file_name("a.mp3");
    for (form, message) in [
        (Form::new().part("audio", audio()), "model must be a string"),
        (
            Form::new().text("model", "nova-9").part("audio", audio()),
            "model `nova-9` is not available",
        ),
        (model(), "audio must be a file"),
        (
            model().text("audio", "a.mp3"),
            "property audio should not exist",
        ),
        (
            model().part("file", audio()),
            "file should not exist; audio must be a file",
        ),
        (
            Form::new()
                .text("model", "openai/gpt-4o-transcribe")
                .part("audio", audio()),
            "audio should not exist; file must be a file",
        ),
        (
            model().part("audio", Part::bytes(vec![]).file_name("a.mp3")),
            "audio is empty",
        ),
        (
            model().part("audio", text),
            "the audio could not be decoded",
        ),
        (
            model().text("diarize", "yes").part("audio", audio()),
            "diarize must be a boolean value",
        ),
        (
            model().text("diarise", "true").part("audio", audio()),
            "property diarise should not exist",
        ),
        (
            model().part("audio", audio()).part("audio", audio()),
            "the form has too many parts",
        ),
        (
            model()
                .text("search", "x".repeat(70_000))
                .part("audio", audio()),
            "the form has too many parts",
        ),
    ] {
        assert_eq!(rejection(&sandbox, form).await, (400, message.to_owned()));
    }
    let ledger = sandbox.ledger();
    assert_eq!((ledger.accepted, ledger.refused[&400]), (2, 12));
    sandbox.stop().await;
}

#[tokio::test]
async fn unknown_paths_get_an_error_body() {
    let sandbox = sandbox(|_| {}).await;
    let origin = format!("http://{}", sandbox.address());
    let client = client();
    for (request, message) in [
        (
            client.get(format!("{origin}/v2/nothing")),
            "Cannot GET /v2/nothing",
        ),
        (
            client
                .get(format!("{origin}/v1/stt/%FF"))
                .bearer_auth("key"),
            "generation not found",
        ),
        (
            client.get(format!("{origin}/v1/stt/create")),
            "Cannot GET /v1/stt/create",
        ),
        (
            client.delete(format!("{origin}/v1/stt")),
            "Cannot DELETE /v1/stt",
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 404);
        let request_id = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let body = json_of(response).await;
        assert_eq!(
            (&body["message"], &body["requestId"]),
            (&json!(message), &json!(request_id))
        );
        assert_eq!(body["statusCode"], 404);
    }
    let models = client
        .get(format!("{origin}/v1/models?include=pricing"))
        .send()
        .await
        .unwrap();
    let models = json_of(models).await;
    assert_eq!(models["data"][0]["aliases"][0], "nova-2-automotive");
    assert_eq!(models["data"][0]["pricing"]["currency"], "USD");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_large_upload_is_streamed() {
    const CHUNK: usize = 256 * 1024;
    const CHUNKS: usize = 256;
    let sandbox = sandbox(|_| {}).await;
    let chunk = bytes::Bytes::from(noise(CHUNK));
    let chunks = (0..CHUNKS).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let part = Part::stream_with_length(body, (CHUNK * CHUNKS) as u64).file_name("long.bin");
    let form = Form::new().text("model", MODEL).part("audio", part);
    assert_eq!(
        create_request(&sandbox)
            .multipart(form)
            .send()
            .await
            .unwrap()
            .status(),
        201
    );
    assert_eq!(sandbox.ledger().generations[0].bytes, 64 << 20);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_oversized_upload_is_rejected_unread() {
    let sandbox = sandbox(|_| {}).await;
    let head = format!(
        "POST /v1/stt/create HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer key\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n",
        sandbox.address(),
        3_u64 << 30
    );
    let mut stream = tokio::net::TcpStream::connect(sandbox.address())
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
        .await
        .unwrap();
    let mut start = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start)
        .await
        .unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_ledger_is_served_until_the_sandbox_stops() {
    let sandbox = sandbox(|_| {}).await;
    create_generation(&sandbox).await;
    let url = format!("http://{}/sandbox/ledger", sandbox.address());
    let ledger = json_of(client().get(&url).send().await.unwrap()).await;
    assert_eq!(ledger, serde_json::to_value(sandbox.ledger()).unwrap());
    assert_eq!(ledger["generations"][0]["outcome"], "transcribed");
    sandbox.stop().await;
    assert!(client().get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn the_request_log_maps_client_ids_to_generations() {
    let sandbox = Sandbox::start(Settings {
        delay: Duration::ZERO,
        ..Settings::default()
    })
    .await
    .unwrap();
    let origin = sandbox.base_url().replace("/v1", "");
    let client = client();
    let mut ids = Vec::new();
    for number in 0..3 {
        let form = form();
        let request = client
            .post(format!("{origin}/v1/stt/create"))
            .bearer_auth("any")
            .header("x-client-request-id", format!("ns-{number}"));
        let created = json_of(request.multipart(form).send().await.unwrap()).await;
        ids.push(created["generation_id"].clone());
    }
    let page = |query: &'static str| {
        let request = client
            .get(format!("{origin}/v2/logs?{query}"))
            .bearer_auth("any");
        async move { json_of(request.send().await.unwrap()).await }
    };
    let first = page("period=24h&limit=2&offset=0").await;
    assert_eq!(first["pagination"]["has_more"], true);
    assert_eq!(first["data"][0]["client_request_id"], "ns-2");
    assert_eq!(first["data"][0]["inference_id"], ids[2]);
    let second = page("limit=2&offset=2").await;
    assert_eq!(
        (
            &second["data"][0]["inference_id"],
            &second["pagination"]["has_more"]
        ),
        (&ids[0], &json!(false))
    );
    assert_eq!(page("start=2100-01-01T00:00:00Z").await["data"], json!([]));
}
