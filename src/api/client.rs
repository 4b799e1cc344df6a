//! The calls: a submission, a poll, a probe.

use super::answer::{Answer, Created, Unreadable, read_answer, read_created, read_legacy};
use super::broken::{broken_poll, broken_submission, file_trouble};
use super::call::{
    Accepted, Audio, CallError, CallErrorKind, Polled, Recording, Reply, Submission,
};
use super::failures::{self, Call, Refusal};
use super::fields::{file_field, file_name, form_fields, json_body};
use super::http::connecting_to;
use super::logs::{ChargedPage, Logs, PAGE, read_charged, read_page};
use super::prices::read_prices;
use super::sending::Sending;
use super::transport::{Answered, Broken, answer_idle, exchange};
use super::upload;
use crate::domain::container::mime_for;
use crate::domain::{ErrorClass, Failure, Flow, GenerationId, Price, Request, Timestamp};
use crate::heavy;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use url::Url;

/// Shorter than servers keep an idle connection, so that a submission is not lost on one they have just closed.
const KEEP_IDLE: Duration = Duration::from_secs(15);
/// From the last byte of a submission to its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// The same where the answer is the transcript: behind the service Deepgram works up to 10 minutes, whisper 20.
const LEGACY_ANSWER_WITHIN: Duration = Duration::from_secs(1800);
/// An answer from this size on is read apart from the others.
const LARGE_ANSWER: usize = 256 * 1024;
/// Unknown status words that are remembered, so that each is logged once.
const WORDS: usize = 32;

/// How to reach the service.
#[derive(Clone)]
pub struct Settings {
    /// Everything before `/stt`, as in `https://api.aimlapi.com/v1`.
    pub base_url: Url,
    /// The key, sent as a bearer token and nowhere else.
    pub key: SecretString,
    /// Which calls a submission uses.
    pub flow: Flow,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key cannot be sent.
    #[error("the API key holds characters that cannot be sent; set it again")]
    Key,
    /// TLS or the like.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// What a look at the service found.
#[derive(Debug)]
pub struct Probe {
    /// The service is there and takes the key, or why not.
    pub outcome: Result<(), CallError>,
    /// What it takes for the time.
    pub server_time: Option<SystemTime>,
}

/// The client of the service. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    settings: Settings,
    unknown_words: Arc<Mutex<HashSet<String>>>,
}

impl Client {
    /// Sets the client up; connects to nothing.
    ///
    /// # Errors
    /// If the key cannot be sent, or there are no certificates to check the service's with.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        let http = connecting_to(&settings.base_url)
            .default_headers(headers(&settings.key)?)
            .pool_idle_timeout(KEEP_IDLE)
            .build()
            .map_err(ClientError::Http)?;
        Ok(Self {
            http,
            settings: settings.clone(),
            unknown_words: Arc::default(),
        })
    }

    /// Hands a recording in. Cancelled, or in a crash, it may have been accepted all the same.
    ///
    /// # Errors
    /// As [`CallErrorKind`] tells them apart; only `Unknown` leaves open whether the submission was accepted.
    pub async fn submit(&self, submission: Submission<'_>) -> Result<Accepted, CallError> {
        let (request, sending) = match submission.audio {
            Audio::Url(url) => (
                self.submission_of_url(submission.request, url),
                Sending::default(),
            ),
            Audio::File(recording) => {
                self.submission_of_file(submission.request, recording)
                    .await?
            }
        };
        let request = request.header("x-client-request-id", submission.client_request_id);
        let answer_within = match self.settings.flow {
            Flow::TwoStep => ANSWER_WITHIN,
            Flow::Legacy => LEGACY_ANSWER_WITHIN,
        };
        let answered = exchange(request, sending.stalled(answer_within)).await;
        if let Some(trouble) = sending.take_trouble() {
            return Err(file_trouble(&trouble));
        }
        let answered =
            answered.map_err(|broken| broken_submission(&broken, sending.is_finished()))?;
        if !(200..300).contains(&answered.status) {
            return Err(self.refused(Call::Submit, &answered));
        }
        self.accepted(answered, sending.sha256()).await
    }

    fn submission_of_url(&self, request: &Request, url: &str) -> RequestBuilder {
        self.http
            .post(self.submit_url())
            .json(&json_body(request, url))
    }

    async fn submission_of_file(
        &self,
        request: &Request,
        recording: &Recording,
    ) -> Result<(RequestBuilder, Sending), CallError> {
        let (stream, outcome) = upload::open(recording)
            .await
            .map_err(|trouble| file_trouble(&trouble))?;
        let part = Part::stream_with_length(Body::wrap_stream(stream), recording.size_bytes)
            .file_name(file_name(&recording.path))
            .mime_str(mime_for(&recording.path))
            .map_err(|error| broken_submission(&Broken::NotConnected(error.to_string()), false))?;
        let form = form_fields(request)
            .into_iter()
            .fold(Form::new(), |form, (name, value)| form.text(name, value));
        let form = form.part(file_field(request.model()), part);
        let sending = Sending::of_file(recording.progress.clone(), outcome);
        Ok((self.http.post(self.submit_url()).multipart(form), sending))
    }

    async fn accepted(
        &self,
        answered: Answered,
        sha256: Option<String>,
    ) -> Result<Accepted, CallError> {
        let read = match self.settings.flow {
            Flow::TwoStep => read_created,
            Flow::Legacy => read_legacy,
        };
        let (status, request_id) = (answered.status, answered.request_id);
        let created = match answered.body {
            Ok(body) => read_apart(body, read).await,
            Err(broken) => Err(broken.to_string()),
        };
        let accepted = |reply| Accepted {
            reply,
            sha256,
            http_status: status,
            request_id: request_id.clone(),
        };
        let error = |kind, failure| CallError {
            kind,
            failure,
            http_status: Some(status),
            retry_after: None,
            request_id: request_id.clone(),
        };
        let named = answered.inference_id.and_then(GenerationId::new);
        match (created, named) {
            (Ok(Created::Generation(id)), _) => Ok(accepted(Reply::Generation(id))),
            (Ok(Created::Answer(completed)), _) => Ok(accepted(Reply::Answer(completed))),
            (Ok(Created::Failed(failure)), _) => {
                Err(error(CallErrorKind::Unavailable, self.without_key(failure)))
            }
            (_, Some(id)) => Ok(accepted(Reply::Generation(id))),
            (Err(why), None) => {
                let message = format!(
                    "the service took it ({status}), but its answer names no generation: {why}"
                );
                Err(error(
                    CallErrorKind::Unknown,
                    Failure::new(ErrorClass::Protocol, message),
                ))
            }
        }
    }

    /// Asks for a transcription. May be repeated at will.
    ///
    /// # Errors
    /// As [`CallErrorKind`] tells them apart.
    pub async fn poll(&self, id: &GenerationId) -> Result<Polled, CallError> {
        let request = self.http.get(self.url(&["stt", id.as_str()]));
        let answered = exchange(request, answer_idle())
            .await
            .map_err(|broken| broken_poll(&broken, None))?;
        if !(200..300).contains(&answered.status) {
            return Err(self.refused(Call::Poll, &answered));
        }
        let status = answered.status;
        let body = answered
            .body
            .map_err(|broken| broken_poll(&broken, Some(status)))?;
        match read_apart(body, read_answer).await {
            Ok(Answer::InProgress { unknown }) => {
                self.log_unknown(unknown);
                Ok(Polled::InProgress)
            }
            Ok(Answer::Completed(completed)) => Ok(Polled::Completed(completed)),
            Ok(Answer::Failed(failure)) => Ok(Polled::Failed(self.without_key(failure))),
            Err(why) => Err(CallError {
                kind: CallErrorKind::Garbled,
                failure: Failure::new(ErrorClass::Protocol, why),
                http_status: Some(status),
                retry_after: None,
                request_id: answered.request_id,
            }),
        }
    }

    /// A page of the requests that this key made between two times, newest first, after `offset` of them.
    ///
    /// # Errors
    /// As [`CallErrorKind`] tells them apart.
    pub async fn logs(
        &self,
        start: Timestamp,
        end: Timestamp,
        offset: usize,
    ) -> Result<Logs, CallError> {
        let url = self.logs_url(start, end, offset);
        let page = self.listed(url, read_page).await?;
        Ok(page.map_or(Logs::Unsupported, Logs::Page))
    }

    /// The same page as a bill; `None` where the service has no such list.
    ///
    /// # Errors
    /// As [`CallErrorKind`] tells them apart.
    pub async fn charged(
        &self,
        start: Timestamp,
        end: Timestamp,
        offset: usize,
    ) -> Result<Option<ChargedPage>, CallError> {
        let url = self.logs_url(start, end, offset);
        self.listed(url, read_charged).await
    }

    fn logs_url(&self, start: Timestamp, end: Timestamp, offset: usize) -> Url {
        let mut url = self.settings.base_url.clone();
        url.set_path("/v2/logs");
        url.query_pairs_mut()
            .append_pair("start", &start.to_string())
            .append_pair("end", &end.to_string())
            .append_pair("limit", &PAGE.to_string())
            .append_pair("offset", &offset.to_string());
        url
    }

    /// What the service says that its models cost, each under every name it has; `None` if it does not say.
    ///
    /// # Errors
    /// As [`CallErrorKind`] tells them apart.
    pub async fn prices(&self) -> Result<Option<Vec<(String, Price)>>, CallError> {
        let mut url = self.url(&["models"]);
        url.set_query(Some("include=pricing"));
        self.listed(url, read_prices).await
    }

    /// Asks for a list; `None` where the service has none, or not for this account.
    async fn listed<T: Send + 'static>(
        &self,
        url: Url,
        read: fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, CallError> {
        let answered = exchange(self.http.get(url), answer_idle())
            .await
            .map_err(|broken| broken_poll(&broken, None))?;
        match answered.status {
            200..=299 => {}
            402 | 403 | 404 | 405 | 410 | 501 => return Ok(None),
            _ => return Err(self.refused(Call::Poll, &answered)),
        }
        let status = answered.status;
        let body = answered
            .body
            .map_err(|broken| broken_poll(&broken, Some(status)))?;
        let list = read_apart(body, read).await;
        list.map(Some).map_err(|why| CallError {
            kind: CallErrorKind::Garbled,
            failure: Failure::new(ErrorClass::Protocol, why),
            http_status: Some(status),
            retry_after: None,
            request_id: answered.request_id,
        })
    }

    /// Looks whether the service is there and takes the key, by asking for a generation that cannot exist. Costs
    /// nothing.
    pub async fn probe(&self) -> Probe {
        let request = self
            .http
            .get(self.url(&["stt", "00000000-0000-0000-0000-000000000000"]));
        match exchange(request, answer_idle()).await {
            Err(broken) => Probe {
                outcome: Err(broken_poll(&broken, None)),
                server_time: None,
            },
            Ok(answered) => {
                let known = matches!(answered.status, 200..=299 | 400 | 404 | 410 | 422);
                let outcome = if known {
                    Ok(())
                } else {
                    Err(self.refused(Call::Poll, &answered))
                };
                Probe {
                    outcome,
                    server_time: answered.server_time,
                }
            }
        }
    }

    fn refused(&self, call: Call, answered: &Answered) -> CallError {
        let refusal = Refusal {
            status: answered.status,
            body: answered.body.as_deref().unwrap_or_default(),
            redirect: answered.redirect.clone(),
            retry_after: answered.retry_after,
            request_id: answered.request_id.clone(),
        };
        let mut error = failures::classify(call, refusal);
        error.failure = self.without_key(error.failure);
        error
    }

    /// Some services repeat a refused key in their answer.
    fn without_key(&self, failure: Failure) -> Failure {
        let key = self.settings.key.expose_secret();
        Failure::new(failure.class, failures::without_key(&failure.message, key))
    }

    fn log_unknown(&self, word: Option<String>) {
        let Some(word) = word else { return };
        let word = failures::without_key(&word, self.settings.key.expose_secret());
        let mut known = self
            .unknown_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() < WORDS && known.insert(word.clone()) {
            tracing::warn!(
                status = word,
                "the service uses a status that this version does not know; it is asked again"
            );
        }
    }

    fn submit_url(&self) -> Url {
        match self.settings.flow {
            Flow::TwoStep => self.url(&["stt", "create"]),
            Flow::Legacy => self.url(&["stt"]),
        }
    }

    /// Below the base, each part percent-encoded as one segment.
    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.settings.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }
}

fn headers(key: &SecretString) -> Result<HeaderMap, ClientError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| ClientError::Key)?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (ACCEPT, HeaderValue::from_static("application/json")),
    ]))
}

/// Reads an answer; a large one apart, as it takes ten times its size in memory. An error is text for a failure.
async fn read_apart<T: Send + 'static>(
    body: Vec<u8>,
    read: fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<T, String> {
    let read = if body.len() < LARGE_ANSWER {
        read(&body)
    } else {
        let read = heavy::in_turn(move || read(&body)).await;
        read.map_err(|failed| failed.to_string())?
    };
    read.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base_url: &str) -> Client {
        let key = SecretString::from("sk-very-secret".to_owned());
        Client::new(&Settings {
            base_url: base_url.parse().unwrap(),
            key,
            flow: Flow::TwoStep,
        })
        .unwrap()
    }

    #[test]
    fn an_id_is_one_segment_of_the_path_whatever_it_holds() {
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
    fn the_key_is_taken_out_of_what_the_service_says() {
        let failure = Failure::new(ErrorClass::Auth, "bad key sk-very-secret!");
        assert_eq!(
            client("http://127.0.0.1:1").without_key(failure).message,
            "bad key [key]!"
        );
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_being_shown() {
        let key = SecretString::from("a\nb".to_owned());
        let settings = Settings {
            base_url: "http://127.0.0.1:1".parse().unwrap(),
            key,
            flow: Flow::TwoStep,
        };
        let error = Client::new(&settings).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the API key holds characters that cannot be sent; set it again"
        );
    }
}
