//! The client over real connections, against scripted servers.

mod intermediaries;

use crate::harness::hash_of;
use nightscribe::domain::{ApiMode, ErrorClass, GenerationId, Request, Timestamp};
use nightscribe::provider::Expected;
use nightscribe::provider::{
    Accepted, AudioSource, CallError, CallErrorKind, Client, ClientSettings, PollStatus, Recording,
    Submission, SubmitReply,
};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CREATED: &str = r#"{"generation_id":"g-1"}"#;

/// Behaviour of a scripted server for each request.
#[derive(Clone)]
enum Script {
    /// Reads the whole request and responds with these bytes.
    Respond(String),
    /// Reads the whole request and closes the connection.
    CloseAfterRequest,
    /// Reads only the head and closes the connection.
    CloseAfterHead,
    /// Reads the whole request and responds with these bytes, then with `[` until the client closes the connection.
    Endless(String),
}

/// A request as the server received it. The head is in lower case.
#[derive(Debug, Default)]
struct ReceivedRequest {
    head: String,
    body: Vec<u8>,
    /// Whether the body has the length that the head announced.
    is_complete: bool,
}

/// Serves the same script on each connection.
async fn serve(
    script: Script,
) -> (
    SocketAddr,
    tokio::sync::mpsc::UnboundedReceiver<ReceivedRequest>,
) {
    serve_in_turn(vec![script]).await
}

/// Serves one script after the other, one for each connection, and the last one from then on.
async fn serve_in_turn(
    scripts: Vec<Script>,
) -> (
    SocketAddr,
    tokio::sync::mpsc::UnboundedReceiver<ReceivedRequest>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut scripts = scripts.into_iter();
        let mut script = scripts.next().unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(respond(stream, script.clone(), sender.clone()));
            script = scripts.next().unwrap_or(script);
        }
    });
    (address, receiver)
}

async fn respond(
    mut stream: TcpStream,
    script: Script,
    sender: tokio::sync::mpsc::UnboundedSender<ReceivedRequest>,
) {
    let request = read(&mut stream, matches!(script, Script::CloseAfterHead)).await;
    if let Script::Respond(response) = &script
        && request.is_complete
    {
        stream.write_all(response.as_bytes()).await.unwrap();
    }
    if let Script::Endless(response) = &script {
        stream.write_all(response.as_bytes()).await.unwrap();
        let more = vec![b'['; 1 << 20];
        while stream.write_all(&more).await.is_ok() {}
    }
    sender.send(request).unwrap();
}

async fn read(stream: &mut TcpStream, head_only: bool) -> ReceivedRequest {
    let mut received = ReceivedRequest::default();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = stream.read(&mut buffer).await.unwrap_or(0);
        if n == 0 {
            return received;
        }
        bytes.extend_from_slice(&buffer[..n]);
        if received.head.is_empty()
            && let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            received.head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            bytes.drain(..end + 4);
        }
        received.body = bytes.clone();
        if !received.head.is_empty() {
            let length = header(&received.head, "content-length")
                .map_or(0, |length| length.parse().unwrap());
            received.is_complete = received.body.len() == length;
            if received.is_complete || head_only {
                return received;
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

fn response(status: &str, headers: &str, body: &str) -> Script {
    Script::Respond(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

fn client(address: SocketAddr, mode: ApiMode) -> Client {
    let key = SecretString::from("sk-very-secret".to_owned());
    Client::new(&ClientSettings {
        base_url: format!("http://{address}/v1").parse().unwrap(),
        key,
        flow: mode,
    })
    .unwrap()
}

/// A recording in a temporary folder.
struct TestFile {
    _folder: tempfile::TempDir,
    recording: Recording,
}

fn file(bytes: usize) -> TestFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk \"one\".mp3");
    std::fs::write(&path, vec![7; bytes]).unwrap();
    TestFile {
        recording: recording(path),
        _folder: folder,
    }
}

fn recording(path: PathBuf) -> Recording {
    let metadata = std::fs::metadata(&path).unwrap();
    Recording {
        path,
        size_bytes: metadata.len(),
        modified: Timestamp::from(metadata.modified().unwrap()),
        hash: None,
        payload: None,
        content: None,
        copy: None,
        progress: Arc::default(),
    }
}

fn request() -> Request {
    let options = [
        ("diarize".to_owned(), true.into()),
        ("tag".to_owned(), serde_json::json!(["a", "b"])),
    ];
    Request::new("#g1_nova-2-general", options)
}

async fn submit(client: &Client, audio: AudioSource<'_>) -> Result<Accepted, CallError> {
    let request = request();
    client
        .submit(Submission {
            request: &request,
            audio,
            client_request_id: "ns-1",
        })
        .await
}

async fn submit_to(script: Script) -> Result<Accepted, CallError> {
    let (address, _received) = serve(script).await;
    submit(
        &client(address, ApiMode::TwoStep),
        AudioSource::File(&file(1000).recording),
    )
    .await
}

fn expected(generation: &str) -> Expected {
    Expected {
        generation: GenerationId::new(generation).unwrap(),
        sha256: None,
    }
}

async fn poll(script: Script) -> Result<PollStatus, CallError> {
    let (address, _received) = serve(script).await;
    client(address, ApiMode::TwoStep)
        .poll(expected("g-1"))
        .await
        .map(|reply| reply.status)
}

fn generation(accepted: &Accepted) -> &str {
    match &accepted.reply {
        SubmitReply::Generation(id) => id.as_str(),
        SubmitReply::Completed(_) => panic!("expected a generation id"),
    }
}

#[tokio::test]
async fn a_file_is_sent_as_a_sized_multipart_form() {
    let (address, mut received) =
        serve(response("201 Created", "x-request-id: r-9\r\n", CREATED)).await;
    let file = file(300_000);
    let accepted = submit(
        &client(address, ApiMode::TwoStep),
        AudioSource::File(&file.recording),
    )
    .await
    .unwrap();
    let received = received.recv().await.unwrap();
    assert!(received.is_complete);
    assert!(received.head.starts_with("post /v1/stt/create http/1.1"));
    assert_eq!(
        header(&received.head, "authorization"),
        Some("bearer sk-very-secret")
    );
    assert_eq!(header(&received.head, "x-client-request-id"), Some("ns-1"));
    assert_eq!(header(&received.head, "transfer-encoding"), None);
    assert_eq!(
        header(&received.head, "user-agent"),
        Some(concat!("nightscribe/", env!("CARGO_PKG_VERSION")))
    );
    let body = String::from_utf8_lossy(&received.body);
    let part =
        "name=\"audio\"; filename=\"talk _one_.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\u{7}\u{7}";
    assert!(body.contains(part), "{}", &body[..600]);
    assert!(body.contains("name=\"model\"\r\n\r\n#g1_nova-2-general\r\n"));
    assert!(body.contains("name=\"diarize\"\r\n\r\ntrue\r\n"));
    assert_eq!(body.matches("name=\"tag\"").count(), 2);
    assert_eq!(generation(&accepted), "g-1");
    assert_eq!(
        (accepted.http_status, accepted.request_id.as_deref()),
        (201, Some("r-9"))
    );

    let hash = Some(hash_of(sha256_of(&vec![7; 300_000])));
    assert_eq!(accepted.hash, hash);
    assert_eq!(file.recording.progress.sent(), 300_000);
}

#[tokio::test]
async fn a_known_hash_is_not_computed_again() {
    let (address, _received) = serve(response("201 Created", "", CREATED)).await;
    let mut file = file(300_000);
    file.recording.hash = Some(hash_of("known"));
    let client = client(address, ApiMode::TwoStep);
    let accepted = submit(&client, AudioSource::File(&file.recording))
        .await
        .unwrap();
    assert_eq!(accepted.hash, Some(hash_of("known")));
}

#[tokio::test]
async fn a_url_is_sent_as_json() {
    let (address, mut received) = serve(response(
        "200 OK",
        "",
        r#"{"generation_id":"g-1","status":"queued"}"#,
    ))
    .await;
    let accepted = submit(
        &client(address, ApiMode::TwoStep),
        AudioSource::Url("https://a/b.mp3?t=1"),
    )
    .await
    .unwrap();
    assert_eq!(
        (generation(&accepted), accepted.hash.as_ref()),
        ("g-1", None)
    );
    let body: serde_json::Value =
        serde_json::from_slice(&received.recv().await.unwrap().body).unwrap();
    let expected = serde_json::json!({
        "model": "#g1_nova-2-general", "url": "https://a/b.mp3?t=1", "diarize": true, "tag": ["a", "b"]
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_id_header_replaces_a_lost_response_body() {
    let id_header = "x-inference-id: g-7\r\n";
    let cut = format!("HTTP/1.1 201 Created\r\n{id_header}content-length: 900\r\n\r\n{{\"gen");
    for script in [
        response("201 Created", id_header, ""),
        response("201 Created", id_header, "<html>"),
        Script::Respond(cut),
    ] {
        assert_eq!(generation(&submit_to(script).await.unwrap()), "g-7");
    }
}

#[tokio::test]
async fn a_2xx_without_an_id_is_uncertain() {
    for script in [
        response("201 Created", "", ""),
        response("200 OK", "", "{}"),
        response("204 No Content", "", ""),
    ] {
        let error = submit_to(script).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Unknown, "{error:?}");
    }
}

#[tokio::test]
async fn a_disconnect_during_upload_is_not_uncertain() {
    let (address, _received) = serve(Script::CloseAfterHead).await;
    let file = file(64 * 1024 * 1024);
    let error = submit(
        &client(address, ApiMode::TwoStep),
        AudioSource::File(&file.recording),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable, "{error:?}");
    assert!(
        error
            .failure
            .message
            .ends_with("before the whole recording was sent"),
        "{error}"
    );
}

#[tokio::test]
async fn a_disconnect_after_upload_is_uncertain() {
    let error = submit_to(Script::CloseAfterRequest).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unknown, "{error:?}");
    assert!(
        error
            .failure
            .message
            .ends_with("after the whole recording was sent"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_not_uncertain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client(address, ApiMode::TwoStep);
    for audio in [
        AudioSource::Url("https://a/b.mp3"),
        AudioSource::File(&file(10).recording),
    ] {
        let error = submit(&client, audio).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Unavailable);
        assert_eq!(
            error.failure.message,
            "the service cannot be reached: connection refused"
        );
    }
}

#[tokio::test]
async fn each_http_status_maps_to_an_error_kind() {
    let cases = [
        ("400 Bad Request", CallErrorKind::Refused),
        ("401 Unauthorized", CallErrorKind::Auth),
        ("402 Payment Required", CallErrorKind::Credit),
        ("403 Forbidden", CallErrorKind::Credit),
        ("413 Payload Too Large", CallErrorKind::Refused),
        ("422 Unprocessable", CallErrorKind::Refused),
        ("404 Not Found", CallErrorKind::ModelGone),
        ("500 Oops", CallErrorKind::ModelFailing),
        ("503 Oops", CallErrorKind::Unavailable),
        ("504 Timeout", CallErrorKind::Unknown),
    ];
    for (status, kind) in cases {
        let error = submit_to(response(status, "", r#"{"message":"reason"}"#))
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.failure.message.ends_with(": reason"), "{error}");
        assert_eq!(error.http_status, Some(status[..3].parse().unwrap()));
    }
}

#[tokio::test]
async fn retry_after_is_read_as_seconds_or_date() {
    let error = submit_to(response("429 Too Many Requests", "retry-after: 7\r\n", ""))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (CallErrorKind::RateLimited, Some(Duration::from_secs(7)))
    );
    let dated =
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:07 GMT\r\n";
    let error = poll(response("429 Too Many Requests", dated, ""))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (target, mut received) = serve(response("201 Created", "", CREATED)).await;
    let location = format!("location: http://{target}/take?key=secret\r\n");
    let error = submit_to(response("307 Temporary Redirect", &location, ""))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable);
    assert_eq!(
        error.failure.message,
        "no such endpoint at `api.base_url` (307): redirects to http://127.0.0.1/take"
    );
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_changed_or_missing_file_is_not_sent() {
    let (address, mut received) = serve(response("201 Created", "", CREATED)).await;
    let client = client(address, ApiMode::TwoStep);
    let file = file(1000);
    let mut other = file.recording.clone();
    other.size_bytes = 999;
    assert_eq!(
        submit(&client, AudioSource::File(&other))
            .await
            .unwrap_err()
            .kind,
        CallErrorKind::FileChanged
    );
    other = file.recording.clone();
    other.modified = Timestamp::from_millis(5);
    assert_eq!(
        submit(&client, AudioSource::File(&other))
            .await
            .unwrap_err()
            .kind,
        CallErrorKind::FileChanged
    );
    other.path = "/nowhere/at/all.mp3".into();
    assert_eq!(
        submit(&client, AudioSource::File(&other))
            .await
            .unwrap_err()
            .kind,
        CallErrorKind::FileGone
    );
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_file_changed_during_upload_is_never_sent_completely() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap(), ApiMode::TwoStep);
    let file = file(64 * 1024 * 1024);
    let recording = file.recording.clone();
    let submitting =
        tokio::spawn(async move { submit(&client, AudioSource::File(&recording)).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    // The socket buffers hold far less than the file, so the upload is still in progress.
    let head = read(&mut stream, true).await;
    let earlier = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    std::fs::File::options()
        .write(true)
        .open(&file.recording.path)
        .unwrap()
        .set_modified(earlier)
        .unwrap();
    let mut rest = Vec::new();
    let _closed = stream.read_to_end(&mut rest).await;
    let error = submitting.await.unwrap().unwrap_err();
    assert_eq!(error.kind, CallErrorKind::FileChanged);
    assert!(head.body.len() + rest.len() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn the_legacy_mode_returns_the_transcript_immediately() {
    let (address, mut received) = serve(response("201 Created", "", r#"{"text":"hello"}"#)).await;
    let accepted = submit(
        &client(address, ApiMode::Legacy),
        AudioSource::File(&file(10).recording),
    )
    .await
    .unwrap();
    assert!(
        received
            .recv()
            .await
            .unwrap()
            .head
            .starts_with("post /v1/stt http/1.1")
    );
    let SubmitReply::Completed(completed) = accepted.reply else {
        panic!("{accepted:?}")
    };
    let mut json = Vec::new();
    completed
        .result_json()
        .unwrap()
        .write_to(&mut json)
        .unwrap();
    assert_eq!(json, br#"{"text":"hello"}"#);
    assert_eq!(completed.transcript.text, "hello");
}

#[tokio::test]
async fn each_poll_response_maps_to_a_status() {
    assert_eq!(
        poll(response("201 Created", "", r#"{"status":"waiting"}"#)).await,
        Ok(PollStatus::InProgress)
    );
    let done = poll(response(
        "200 OK",
        "",
        r#"{"status":"completed","result":{"text":"x"}}"#,
    ))
    .await;
    assert!(matches!(done, Ok(PollStatus::Completed(_))));
    let failed = poll(response("200 OK", "", r#"{"status":"error","error":"no"}"#)).await;
    assert!(matches!(failed, Ok(PollStatus::Failed(_))));
    let kind = |result: Result<PollStatus, CallError>| result.unwrap_err().kind;
    assert_eq!(
        kind(poll(response("404 Not Found", "", "{}")).await),
        CallErrorKind::Missing
    );
    assert_eq!(
        kind(poll(response("200 OK", "", "no JSON")).await),
        CallErrorKind::Malformed
    );
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"status\"".to_owned();
    assert_eq!(
        kind(poll(Script::Respond(cut)).await),
        CallErrorKind::Unknown
    );
    assert_eq!(
        kind(poll(Script::CloseAfterRequest).await),
        CallErrorKind::Unknown
    );
}

#[tokio::test]
async fn a_poll_escapes_the_id_in_the_path() {
    let (address, mut received) = serve(response("200 OK", "", "{}")).await;
    client(address, ApiMode::TwoStep)
        .poll(expected("a/../b?c"))
        .await
        .unwrap();
    assert!(
        received
            .recv()
            .await
            .unwrap()
            .head
            .starts_with("get /v1/stt/a%2f..%2fb%3fc http/1.1")
    );
}

#[tokio::test]
async fn a_probe_detects_a_refused_key() {
    for (status, is_accepted) in [
        ("404 Not Found", true),
        ("400 Bad Request", true),
        ("401 Unauthorized", false),
    ] {
        let (address, _received) = serve(response(
            status,
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            "{}",
        ))
        .await;
        let probe = client(address, ApiMode::TwoStep).probe().await;
        assert_eq!(probe.outcome.is_ok(), is_accepted, "{status}");
        assert!(probe.server_time.is_some());
    }
}

#[tokio::test]
async fn errors_show_neither_the_key_nor_url_queries() {
    let body = r#"{"message":"key sk-very-secret is wrong"}"#;
    let error = submit_to(response("401 Unauthorized", "", body))
        .await
        .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("sk-very-secret"), "{text}");
    let (address, _received) = serve(Script::CloseAfterRequest).await;
    let client = client(address, ApiMode::TwoStep);
    let error = submit(&client, AudioSource::Url("https://a/b.mp3?token=abc"))
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("abc"));
}

#[tokio::test]
async fn endless_and_deeply_nested_responses_are_rejected() {
    let error = poll(Script::Endless("HTTP/1.1 200 OK\r\n\r\n".to_owned()))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("exceeds the size limit"),
        "{error}"
    );
    let refusal = "HTTP/1.1 503 Unavailable\r\n\r\n{".to_owned();
    let error = poll(Script::Endless(refusal)).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable);
    let deep = format!("{{\"result\":{}", "[".repeat(1 << 20));
    let Ok(PollStatus::Unusable(answer)) = poll(response("200 OK", "", &deep)).await else {
        panic!("the truncated answer is used")
    };
    assert_eq!(answer.body.into_bytes().unwrap(), deep.as_bytes());
    let text = answer.failure.to_string();
    assert!(text.len() < 500, "{text}");
}

fn sha256_of(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn large_results_are_read_and_endless_ones_rejected() {
    let text = "word ".repeat(2_000_000);
    let body = format!(r#"{{"status":"completed","result":{{"text":"{text}"}}}}"#);
    let Ok(PollStatus::Completed(completed)) = poll(response("200 OK", "", &body)).await else {
        panic!()
    };
    assert_eq!(completed.transcript.text.len(), text.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream, true).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"x\":\"")
            .await
            .unwrap();
        let filler = vec![b'x'; 1 << 20];
        while stream.write_all(&filler).await.is_ok() {}
    });
    let error = client(address, ApiMode::TwoStep)
        .poll(expected("g"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Malformed);
    assert_eq!(error.failure.message, "the response exceeds the size limit");
    endless.await.unwrap();
}

#[tokio::test]
async fn the_key_is_not_sent_without_tls() {
    let (address, mut received) = serve(response("201 Created", "", CREATED)).await;
    let key = SecretString::from("sk-very-secret".to_owned());
    let base_url = format!("https://{address}/v1").parse().unwrap();
    let client = Client::new(&ClientSettings {
        base_url,
        key,
        flow: ApiMode::TwoStep,
    })
    .unwrap();
    let error = submit(&client, AudioSource::Url("https://a/b.mp3"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable, "{error:?}");
    assert!(received.try_recv().is_err());
}
