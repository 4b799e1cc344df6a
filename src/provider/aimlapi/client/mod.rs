//! Client of the service: submissions, polls and the probe. `lists`: lists of requests, charges and models.

mod lists;

use crate::domain::container::mime_for;
use crate::domain::{ApiMode, ErrorClass, Failure, GenerationId, RecordingHash, Request};
use crate::provider::aimlapi::api_key::{ApiKey, Bearer, KeyReader};
use crate::provider::aimlapi::call::{
    Accepted, AudioSource, CallError, CallErrorKind, PollReply, PollStatus, Submission,
    SubmitReply, UnusableAnswer,
};
use crate::provider::aimlapi::envelope::InvalidResponse;
use crate::provider::aimlapi::errors;
use crate::provider::aimlapi::errors::{ErrorResponse, Operation};
use crate::provider::aimlapi::file_fields::FileFields;
use crate::provider::aimlapi::form::{file_name, form_fields, json_body};
use crate::provider::aimlapi::resend::Resends;
use crate::provider::aimlapi::response::{
    CreateResponse, Expected, read_create_response, read_legacy_response, read_poll_response,
};
use crate::provider::body::Body;
use crate::provider::http::exchange::{HttpResponse, TransportError, exchange, response_timeout};
use crate::provider::http::transport_errors::{file_error, poll_error, submit_error};
use crate::provider::http::upload::{self, Recording};
use crate::provider::http::upload_watchdog::UploadWatchdog;
use crate::runtime::http_client::client_builder;
use crate::runtime::large_jobs;
use crate::runtime::proxy::{UnusableProxy, check_proxy};
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::Url;

/// Time after which an idle connection is closed.
///
/// Servers keep idle connections for longer. A submission is therefore not lost on a connection that the server has
/// just closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait from the last byte of a submission to the head of the response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);
/// The same for the legacy flow, where the response is the transcript: Deepgram takes up to 10 minutes, whisper 20.
const LEGACY_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1800);

/// Address, key and flow of the service.
#[derive(Clone)]
pub struct ClientSettings {
    /// URL up to `/stt`, such as `https://api.aimlapi.com/v1`.
    pub base_url: Url,
    /// API key, sent only as a bearer token.
    pub key: SecretString,
    /// Flow of a submission, which decides its endpoint.
    pub flow: ApiMode,
}

/// Error of [`Client::new`].
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key contains characters that a header cannot carry.
    #[error("the API key contains characters that cannot be sent; set it again")]
    Key,
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] UnusableProxy),
    /// TLS or another part of the HTTP client failed to initialize.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// Result of [`Client::probe`].
#[derive(Debug)]
pub struct Probe {
    /// Whether the service is available and accepts the key, otherwise the error.
    pub outcome: Result<(), CallError>,
    /// The service's clock, from the `Date` header.
    pub server_time: Option<SystemTime>,
}

/// Client of the service. Clones share one connection pool.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    flow: ApiMode,
    key: Arc<ApiKey>,
    file_fields: Arc<FileFields>,
}

impl Client {
    /// Creates a client without connecting.
    ///
    /// # Errors
    /// Returns an error if a header cannot carry the key, if the proxy of the environment cannot be used, or if there are
    /// no root certificates.
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        let key = ApiKey::new(settings.key.clone()).ok_or(ClientError::Key)?;
        check_proxy(&settings.base_url)?;
        let accept = (ACCEPT, HeaderValue::from_static("application/json"));
        let http = client_builder(&settings.base_url)
            .default_headers(HeaderMap::from_iter([accept]))
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            // `Resends` repeats more kinds of calls, such as uploads.
            .retry(reqwest::retry::never())
            .build()
            .map_err(ClientError::Http)?;
        Ok(Self {
            http,
            base_url: settings.base_url.clone(),
            flow: settings.flow,
            key: Arc::new(key),
            file_fields: Arc::default(),
        })
    }

    /// Adds a reader of the key, for a key that may be replaced while the client is in use.
    ///
    /// When the service refuses the key, it is read again, and the call is sent again with the new key.
    #[must_use]
    pub fn with_key_reader(mut self, reader: KeyReader) -> Self {
        self.key = Arc::new(self.key.with_reader(reader));
        self
    }

    /// Returns whether the key was replaced since the last call of this function.
    #[must_use]
    pub fn take_key_renewed(&self) -> bool {
        self.key.take_renewed()
    }

    /// Submits a recording.
    ///
    /// It is sent again at once if the server did not process it, with a new key if the service refused the old one, and
    /// in the other form field if the service refused the first one. After a cancel or a crash in the middle, the service
    /// may still have accepted the submission.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases. Only after `Unknown` may the service have
    /// accepted the submission.
    pub async fn submit(&self, submission: Submission<'_>) -> Result<Accepted, CallError> {
        let mut resends = Resends::default();
        let model = submission.request.model();
        loop {
            let (key, field) = (self.key.current(), self.file_fields.of(model));
            let error = match self.submit_once(submission, &key, field).await {
                Ok(accepted) => return Ok(accepted),
                Err(error) => error,
            };
            if !resends.allow(&error, &self.key, &key).await
                && !self.corrects_field(submission, field, &error)
            {
                return Err(error);
            }
        }
    }

    async fn submit_once(
        &self,
        submission: Submission<'_>,
        key: &Bearer,
        field: &'static str,
    ) -> Result<Accepted, CallError> {
        let (request, upload) = match submission.audio {
            AudioSource::Url(url) => (
                self.url_request(submission.request, url),
                UploadWatchdog::default(),
            ),
            AudioSource::File(recording) => {
                self.file_request(submission.request, recording, field)
                    .await?
            }
        };
        let request = request
            .header(AUTHORIZATION, key.header())
            .header("x-client-request-id", submission.client_request_id);
        let response_timeout = match self.flow {
            ApiMode::TwoStep => RESPONSE_TIMEOUT,
            ApiMode::Legacy => LEGACY_RESPONSE_TIMEOUT,
        };
        let response = exchange(request, upload.stalled(response_timeout)).await;
        if let Some(error) = upload.take_error() {
            return Err(file_error(&error));
        }
        let finished = upload.is_finished();
        let response = response.map_err(|broken| submit_error(&broken, finished))?;
        if !(200..300).contains(&response.status) {
            return Err(self.error_response(Operation::Submit { finished }, &response));
        }
        self.accepted(response, upload.hash()).await
    }

    /// Whether the service refused the form field of the file, and another one is left to try.
    fn corrects_field(
        &self,
        submission: Submission<'_>,
        field: &'static str,
        error: &CallError,
    ) -> bool {
        let is_file = matches!(submission.audio, AudioSource::File(_));
        let (model, message) = (submission.request.model(), &error.failure.message);
        is_file
            && error.kind == CallErrorKind::Refused
            && matches!(error.http_status, Some(400 | 422))
            && self.file_fields.correct(model, field, message)
    }

    fn url_request(&self, request: &Request, url: &str) -> RequestBuilder {
        self.http
            .post(self.submit_url())
            .json(&json_body(request, url))
    }

    async fn file_request(
        &self,
        request: &Request,
        recording: &Recording,
        field: &'static str,
    ) -> Result<(RequestBuilder, UploadWatchdog), CallError> {
        let (stream, outcome) = upload::open(recording)
            .await
            .map_err(|error| file_error(&error))?;
        let part =
            Part::stream_with_length(reqwest::Body::wrap_stream(stream), recording.sent_bytes())
                .file_name(file_name(recording.sent_name()))
                .mime_str(mime_for(recording.sent_name()))
                .map_err(|error| {
                    submit_error(&TransportError::NotConnected(error.to_string()), false)
                })?;
        let form = form_fields(request)
            .into_iter()
            .fold(Form::new(), |form, (name, value)| form.text(name, value));
        let form = form.part(field, part);
        let upload = UploadWatchdog::for_file(recording.progress.clone(), outcome);
        Ok((self.http.post(self.submit_url()).multipart(form), upload))
    }

    async fn accepted(
        &self,
        response: HttpResponse,
        hash: Option<RecordingHash>,
    ) -> Result<Accepted, CallError> {
        let read = match self.flow {
            ApiMode::TwoStep => read_create_response,
            ApiMode::Legacy => read_legacy_response,
        };
        let (status, request_id) = (response.status, response.request_id);
        let usd_spent = response.usd_spent;
        let created = match response.body {
            Ok(body) => parse_response(body, read).await,
            Err(broken) => Err(broken.to_string()),
        };
        let accepted = |reply| Accepted {
            reply,
            hash,
            http_status: status,
            request_id: request_id.clone(),
            usd_spent,
        };
        let error = |kind, failure| CallError {
            kind,
            failure,
            http_status: Some(status),
            retry_after: None,
            request_id: request_id.clone(),
        };
        let header_id = response.inference_id.and_then(GenerationId::new);
        match (created, header_id) {
            (Ok(CreateResponse::Generation(id)), _) => Ok(accepted(SubmitReply::Generation(id))),
            (Ok(CreateResponse::Completed(completed)), _) => {
                Ok(accepted(SubmitReply::Completed(completed)))
            }
            (Ok(CreateResponse::Failed(failure)), _) => {
                Err(error(CallErrorKind::Unavailable, self.redact_key(failure)))
            }
            (_, Some(id)) => Ok(accepted(SubmitReply::Generation(id))),
            (Err(cause), None) => {
                let message = format!(
                    "the service accepted the submission ({status}), but the response has no generation ID: {cause}"
                );
                Err(error(
                    CallErrorKind::Unknown,
                    Failure::new(ErrorClass::Protocol, message),
                ))
            }
        }
    }

    /// Polls for a result. Idempotent.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn poll(&self, expected: Expected) -> Result<PollReply, CallError> {
        let response = self
            .get(self.url(&["stt", expected.generation.as_str()]))
            .await?;
        if !(200..300).contains(&response.status) || response.is_page() {
            return Err(self.error_response(Operation::Poll, &response));
        }
        let (status, usd_spent) = (response.status, response.usd_spent);
        let body = response
            .body
            .map_err(|broken| poll_error(&broken, Some(status)))?;
        let parsed = parse_response(body, move |body| read_poll_response(body, &expected)).await;
        let reply = |status| PollReply { status, usd_spent };
        match parsed {
            Ok(PollStatus::Failed(failure)) => {
                Ok(reply(PollStatus::Failed(self.redact_key(failure))))
            }
            Ok(PollStatus::Unusable(answer)) => Ok(reply(PollStatus::Unusable(UnusableAnswer {
                failure: self.redact_key(answer.failure),
                ..answer
            }))),
            Ok(status) => Ok(reply(status)),
            Err(why) => Err(CallError::malformed(why, status, response.request_id)),
        }
    }

    /// Checks that the service is available and accepts the key. Free of charge.
    ///
    /// It polls for a generation that cannot exist.
    pub async fn probe(&self) -> Probe {
        let url = self.url(&["stt", "00000000-0000-0000-0000-000000000000"]);
        match self.get(url).await {
            Err(error) => Probe {
                outcome: Err(error),
                server_time: None,
            },
            Ok(response) => {
                let known = matches!(response.status, 200..=299 | 400 | 404 | 410 | 422);
                let outcome = if known && !response.is_page() {
                    Ok(())
                } else {
                    Err(self.error_response(Operation::Poll, &response))
                };
                Probe {
                    outcome,
                    server_time: response.server_time,
                }
            }
        }
    }

    /// Sends a read-only request. It is sent again at once if the server did not process it, and with a new key if the
    /// service refused the old one.
    async fn get(&self, url: Url) -> Result<HttpResponse, CallError> {
        let mut resends = Resends::default();
        loop {
            let key = self.key.current();
            let request = self.http.get(url.clone());
            let request = request.header(AUTHORIZATION, key.header());
            let outcome = exchange(request, response_timeout())
                .await
                .map_err(|broken| poll_error(&broken, None));
            let error = match &outcome {
                Err(error) => error,
                Ok(response) if response.status == 401 => {
                    &self.error_response(Operation::Poll, response)
                }
                Ok(_) => return outcome,
            };
            if !resends.allow(error, &self.key, &key).await {
                return outcome;
            }
        }
    }

    fn error_response(&self, call: Operation, response: &HttpResponse) -> CallError {
        let refusal = ErrorResponse {
            status: response.status,
            media_type: response.media_type.as_deref(),
            base_url: self.base_url.as_str(),
            body: &response.head(),
            redirect: response.redirect.clone(),
            retry_after: response.retry_after,
            request_id: response.request_id.clone(),
        };
        let mut error = errors::classify(call, refusal);
        error.failure = self.redact_key(error.failure);
        error
    }

    /// Redacts the key from the message of a failure. Some services repeat a rejected key in their response.
    fn redact_key(&self, failure: Failure) -> Failure {
        Failure::new(failure.class, self.key.redact(&failure.message))
    }

    fn submit_url(&self) -> Url {
        match self.flow {
            ApiMode::TwoStep => self.url(&["stt", "create"]),
            ApiMode::Legacy => self.url(&["stt"]),
        }
    }

    /// Returns the URL of a path below the base URL. Each part is percent-encoded as one segment.
    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }
}

#[cfg(test)]
impl Client {
    /// Makes the client speak HTTP/2 without TLS.
    pub(crate) fn with_http2(mut self) -> Self {
        let http = client_builder(&self.base_url).retry(reqwest::retry::never());
        self.http = http.http2_prior_knowledge().build().unwrap();
        self
    }
}

/// Parses a response. The error is a message for a failure.
///
/// Large responses are parsed one at a time on the executor for large jobs, because a transcript takes about as much memory
/// as its response before it was compressed.
async fn parse_response<T: Send + 'static>(
    body: Body,
    read: impl FnOnce(Body) -> Result<T, InvalidResponse> + Send + 'static,
) -> Result<T, String> {
    let read = if body.is_large() {
        let read = large_jobs::run(move || read(body)).await;
        read.map_err(|failed| failed.to_string())?
    } else {
        read(body)
    };
    read.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base_url: &str) -> Client {
        let key = SecretString::from("sk-very-secret".to_owned());
        Client::new(&ClientSettings {
            base_url: base_url.parse().unwrap(),
            key,
            flow: ApiMode::TwoStep,
        })
        .unwrap()
    }

    #[test]
    fn an_id_is_one_path_segment() {
        for base in ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/"] {
            let url = |id| client(base).url(&["stt", id]).to_string();
            assert_eq!(url("a_b-c"), "http://127.0.0.1:1/v1/stt/a_b-c");
            assert_eq!(
                url("a/b?c#d%e"),
                "http://127.0.0.1:1/v1/stt/a%2Fb%3Fc%23d%25e"
            );
        }
    }

    #[test]
    fn the_key_is_redacted_from_error_messages() {
        let failure = Failure::new(ErrorClass::Auth, "bad key sk-very-secret!");
        assert_eq!(
            client("http://127.0.0.1:1").redact_key(failure).message,
            "bad key [key]!"
        );
    }

    #[test]
    fn an_invalid_key_is_not_in_the_error() {
        let key = SecretString::from("a\nb".to_owned());
        let settings = ClientSettings {
            base_url: "http://127.0.0.1:1".parse().unwrap(),
            key,
            flow: ApiMode::TwoStep,
        };
        let error = Client::new(&settings).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the API key contains characters that cannot be sent; set it again"
        );
    }
}
