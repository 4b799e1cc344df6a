//! Submissions of recordings.

use super::{Client, parse_response};
use crate::domain::container::mime_for;
use crate::domain::{ApiMode, ErrorClass, Failure, RecordingHash, Request};
use crate::provider::aimlapi::api_key::Bearer;
use crate::provider::aimlapi::errors::Operation;
use crate::provider::aimlapi::form::{file_name, form_fields, json_body};
use crate::provider::aimlapi::headers;
use crate::provider::aimlapi::resend::Resends;
use crate::provider::aimlapi::response::{
    CreateResponse, read_create_response, read_legacy_response,
};
use crate::provider::call::{
    Accepted, AudioSource, CallError, CallErrorKind, Submission, SubmitReply,
};
use crate::provider::http::exchange::{HttpResponse, TransportError, exchange};
use crate::provider::http::transport_errors::{file_error, submit_error};
use crate::provider::http::upload::{self, Recording};
use crate::provider::http::upload_watchdog::UploadWatchdog;
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use reqwest::multipart::{Form, Part};
use std::time::Duration;
use url::Url;

/// Longest wait from the last byte of a submission to the head of the response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);
/// The same for the legacy flow, where the response is the transcript: Deepgram takes up to 10 minutes, whisper 20.
const LEGACY_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1800);

impl Client {
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
        let (usd_spent, header_id) = (
            headers::usd_spent(&response),
            headers::generation(&response),
        );
        let (status, request_id) = (response.status, response.request_id);
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

    fn submit_url(&self) -> Url {
        match self.flow {
            ApiMode::TwoStep => self.url(&["stt", "create"]),
            ApiMode::Legacy => self.url(&["stt"]),
        }
    }
}
