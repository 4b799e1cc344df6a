//! The client over real connections, against servers whose every byte is written here.

use nightscribe::domain::{ApiMode, GenerationId, Request, Timestamp};
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

/// What a scripted server does with one request.
#[derive(Clone)]
enum Script {
    /// Reads the whole request and answers these bytes.
    Answer(String),
    /// Reads the whole request and closes the connection.
    CloseAfter,
    /// Reads only the head and closes the connection.
    CloseInside,
    /// Reads the whole request and answers these bytes, then more of the same for as long as anybody reads.
    Endless(String),
}

/// A request as it came.
#[derive(Debug, Default)]
struct Got {
    head: String,
    body: Vec<u8>,
    whole: bool,
}

async fn serve(script: Script) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (got, gotten) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (script, got) = (script.clone(), got.clone());
            tokio::spawn(async move {
                let request = read(&mut stream, matches!(script, Script::CloseInside)).await;
                if let Script::Answer(answer) = &script
                    && request.whole
                {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
                if let Script::Endless(answer) = &script {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    let more = vec![b'['; 1 << 20];
                    while stream.write_all(&more).await.is_ok() {}
                }
                got.send(request).unwrap();
            });
        }
    });
    (address, gotten)
}

async fn read(stream: &mut TcpStream, head_only: bool) -> Got {
    let mut got = Got::default();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = stream.read(&mut buffer).await.unwrap_or(0);
        if n == 0 {
            return got;
        }
        bytes.extend_from_slice(&buffer[..n]);
        if got.head.is_empty()
            && let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            got.head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            bytes.drain(..end + 4);
        }
        got.body = bytes.clone();
        if !got.head.is_empty() {
            let length =
                header(&got.head, "content-length").map_or(0, |length| length.parse().unwrap());
            got.whole = got.body.len() == length;
            if got.whole || head_only {
                return got;
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

fn answer(status: &str, headers: &str, body: &str) -> Script {
    Script::Answer(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

fn client(address: SocketAddr, flow: ApiMode) -> Client {
    let key = SecretString::from("sk-very-secret".to_owned());
    Client::new(&ClientSettings {
        base_url: format!("http://{address}/v1").parse().unwrap(),
        key,
        flow,
    })
    .unwrap()
}

struct File {
    _folder: tempfile::TempDir,
    recording: Recording,
}

fn file(bytes: usize) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk \"one\".mp3");
    std::fs::write(&path, vec![7; bytes]).unwrap();
    File {
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
        sha256: None,
        content: None,
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
    let (address, _got) = serve(script).await;
    submit(
        &client(address, ApiMode::TwoStep),
        AudioSource::File(&file(1000).recording),
    )
    .await
}

async fn poll(script: Script) -> Result<PollStatus, CallError> {
    let (address, _got) = serve(script).await;
    client(address, ApiMode::TwoStep)
        .poll(&GenerationId::new("g-1").unwrap())
        .await
}

fn generation(accepted: &Accepted) -> &str {
    match &accepted.reply {
        SubmitReply::Generation(id) => id.as_str(),
        SubmitReply::Completed(_) => panic!("an answer"),
    }
}

#[tokio::test]
async fn a_file_goes_as_a_form_of_known_length_with_its_fields_and_headers() {
    let (address, mut got) = serve(answer("201 Created", "x-request-id: r-9\r\n", CREATED)).await;
    let file = file(300_000);
    let accepted = submit(
        &client(address, ApiMode::TwoStep),
        AudioSource::File(&file.recording),
    )
    .await
    .unwrap();
    let got = got.recv().await.unwrap();
    assert!(got.whole);
    assert!(got.head.starts_with("post /v1/stt/create http/1.1"));
    assert_eq!(
        header(&got.head, "authorization"),
        Some("bearer sk-very-secret")
    );
    assert_eq!(header(&got.head, "x-client-request-id"), Some("ns-1"));
    assert_eq!(header(&got.head, "transfer-encoding"), None);
    assert_eq!(
        header(&got.head, "user-agent"),
        Some(concat!("nightscribe/", env!("CARGO_PKG_VERSION")))
    );
    let body = String::from_utf8_lossy(&got.body);
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

    assert_eq!(accepted.sha256, Some(sha256_of(&vec![7; 300_000])));
    assert_eq!(file.recording.progress.sent(), 300_000);
}

#[tokio::test]
async fn a_hash_that_is_known_is_not_taken_again() {
    let (address, _got) = serve(answer("201 Created", "", CREATED)).await;
    let mut file = file(300_000);
    file.recording.sha256 = Some("known".to_owned());
    let client = client(address, ApiMode::TwoStep);
    let accepted = submit(&client, AudioSource::File(&file.recording))
        .await
        .unwrap();
    assert_eq!(accepted.sha256.as_deref(), Some("known"));
}

#[tokio::test]
async fn a_url_goes_as_json() {
    let (address, mut got) = serve(answer(
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
        (generation(&accepted), accepted.sha256.as_deref()),
        ("g-1", None)
    );
    let body: serde_json::Value = serde_json::from_slice(&got.recv().await.unwrap().body).unwrap();
    let expected = serde_json::json!({
        "model": "#g1_nova-2-general", "url": "https://a/b.mp3?t=1", "diarize": true, "tag": ["a", "b"]
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_accepted_submission_whose_body_is_lost_is_known_by_its_header() {
    let named = "x-inference-id: g-7\r\n";
    let cut = format!("HTTP/1.1 201 Created\r\n{named}content-length: 900\r\n\r\n{{\"gen");
    for script in [
        answer("201 Created", named, ""),
        answer("201 Created", named, "<html>"),
        Script::Answer(cut),
    ] {
        assert_eq!(generation(&submit_to(script).await.unwrap()), "g-7");
    }
}

#[tokio::test]
async fn a_2xx_that_names_nothing_may_have_been_accepted() {
    for script in [
        answer("201 Created", "", ""),
        answer("200 OK", "", "{}"),
        answer("204 No Content", "", ""),
    ] {
        let error = submit_to(script).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Unknown, "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_inside_the_recording_was_certainly_not_accepted() {
    let (address, _got) = serve(Script::CloseInside).await;
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
async fn a_connection_that_breaks_after_the_recording_may_have_been_accepted() {
    let error = submit_to(Script::CloseAfter).await.unwrap_err();
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
async fn a_service_that_is_not_there_was_certainly_not_asked() {
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
async fn each_status_is_classified_with_what_the_service_said() {
    let cases = [
        ("400 Bad Request", CallErrorKind::Refused),
        ("401 Unauthorized", CallErrorKind::Auth),
        ("402 Payment Required", CallErrorKind::Credit),
        ("403 Forbidden", CallErrorKind::Credit),
        ("413 Payload Too Large", CallErrorKind::Refused),
        ("422 Unprocessable", CallErrorKind::Refused),
        ("500 Oops", CallErrorKind::Unavailable),
        ("504 Timeout", CallErrorKind::Unknown),
    ];
    for (status, kind) in cases {
        let error = submit_to(answer(status, "", r#"{"message":"said so"}"#))
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.failure.message.ends_with(": said so"), "{error}");
        assert_eq!(error.http_status, Some(status[..3].parse().unwrap()));
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let error = submit_to(answer("429 Too Many Requests", "retry-after: 7\r\n", ""))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (CallErrorKind::RateLimited, Some(Duration::from_secs(7)))
    );
    let dated =
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:07 GMT\r\n";
    let error = poll(answer("429 Too Many Requests", dated, ""))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, mut got) = serve(answer("201 Created", "", CREATED)).await;
    let location = format!("location: http://{elsewhere}/take?key=secret\r\n");
    let error = submit_to(answer("307 Temporary Redirect", &location, ""))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable);
    assert_eq!(
        error.failure.message,
        "no such endpoint at `api.base_url` (307): redirects to http://127.0.0.1/take"
    );
    assert!(got.try_recv().is_err());
}

#[tokio::test]
async fn a_file_that_is_not_the_recorded_one_is_not_sent() {
    let (address, mut got) = serve(answer("201 Created", "", CREATED)).await;
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
    assert!(got.try_recv().is_err());
}

#[tokio::test]
async fn a_file_that_changes_under_its_upload_never_arrives_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap(), ApiMode::TwoStep);
    let file = file(64 * 1024 * 1024);
    let recording = file.recording.clone();
    let submitting =
        tokio::spawn(async move { submit(&client, AudioSource::File(&recording)).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    // The head has come, and the connection takes far less than the whole: the upload is in its middle.
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
async fn the_legacy_flow_answers_at_once() {
    let (address, mut got) = serve(answer("201 Created", "", r#"{"text":"hello"}"#)).await;
    let accepted = submit(
        &client(address, ApiMode::Legacy),
        AudioSource::File(&file(10).recording),
    )
    .await
    .unwrap();
    assert!(
        got.recv()
            .await
            .unwrap()
            .head
            .starts_with("post /v1/stt http/1.1")
    );
    let SubmitReply::Completed(completed) = accepted.reply else {
        panic!("{accepted:?}")
    };
    assert_eq!(
        (completed.raw.as_str(), completed.transcript.text.as_str()),
        (r#"{"text":"hello"}"#, "hello")
    );
}

#[tokio::test]
async fn polls_tell_work_results_failures_and_nonsense_apart() {
    assert_eq!(
        poll(answer("201 Created", "", r#"{"status":"waiting"}"#)).await,
        Ok(PollStatus::InProgress)
    );
    let done = poll(answer(
        "200 OK",
        "",
        r#"{"status":"completed","result":{"text":"x"}}"#,
    ))
    .await;
    assert!(matches!(done, Ok(PollStatus::Completed(_))));
    let failed = poll(answer("200 OK", "", r#"{"status":"error","error":"no"}"#)).await;
    assert!(matches!(failed, Ok(PollStatus::Failed(_))));
    let kind = |result: Result<PollStatus, CallError>| result.unwrap_err().kind;
    assert_eq!(
        kind(poll(answer("404 Not Found", "", "{}")).await),
        CallErrorKind::Missing
    );
    assert_eq!(
        kind(poll(answer("200 OK", "", "<html>")).await),
        CallErrorKind::Malformed
    );
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"status\"".to_owned();
    assert_eq!(
        kind(poll(Script::Answer(cut)).await),
        CallErrorKind::Unknown
    );
    assert_eq!(kind(poll(Script::CloseAfter).await), CallErrorKind::Unknown);
}

#[tokio::test]
async fn a_poll_asks_for_the_id_as_one_segment() {
    let (address, mut got) = serve(answer("200 OK", "", "{}")).await;
    let id = GenerationId::new("a/../b?c").unwrap();
    client(address, ApiMode::TwoStep).poll(&id).await.unwrap();
    assert!(
        got.recv()
            .await
            .unwrap()
            .head
            .starts_with("get /v1/stt/a%2f..%2fb%3fc http/1.1")
    );
}

#[tokio::test]
async fn a_probe_tells_a_taken_key_from_a_refused_one() {
    for (status, taken) in [
        ("404 Not Found", true),
        ("400 Bad Request", true),
        ("401 Unauthorized", false),
    ] {
        let (address, _got) = serve(answer(
            status,
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            "{}",
        ))
        .await;
        let probe = client(address, ApiMode::TwoStep).probe().await;
        assert_eq!(probe.outcome.is_ok(), taken, "{status}");
        assert!(probe.server_time.is_some());
    }
}

#[tokio::test]
async fn an_error_never_shows_the_key_or_the_query_of_a_url() {
    let body = r#"{"message":"key sk-very-secret is wrong"}"#;
    let error = submit_to(answer("401 Unauthorized", "", body))
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("sk-very-secret"), "{shown}");
    let (address, _got) = serve(Script::CloseAfter).await;
    let client = client(address, ApiMode::TwoStep);
    let error = submit(&client, AudioSource::Url("https://a/b.mp3?token=abc"))
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("abc"));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_and_one_nested_without_reason_is_garbled() {
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
    let error = poll(answer("200 OK", "", &deep)).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Malformed);
    let shown = error.to_string();
    assert!(shown.len() < 500, "{shown}");
}

fn sha256_of(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn ten_megabytes_of_result_are_read_and_an_endless_body_is_not() {
    let text = "word ".repeat(2_000_000);
    let body = format!(r#"{{"status":"completed","result":{{"text":"{text}"}}}}"#);
    let Ok(PollStatus::Completed(completed)) = poll(answer("200 OK", "", &body)).await else {
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
        .poll(&GenerationId::new("g").unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Malformed);
    assert_eq!(error.failure.message, "the response exceeds the size limit");
    endless.await.unwrap();
}

#[tokio::test]
async fn a_service_without_a_certificate_is_not_given_the_key() {
    let (address, mut got) = serve(answer("201 Created", "", CREATED)).await;
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
    assert!(got.try_recv().is_err_and(|_| true));
}
