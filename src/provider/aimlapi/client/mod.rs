//! Client of the service: its connection, key and errors.
//!
//! - `submission`: submissions
//! - `generation`: polls of a generation, and the probe
//! - `lists`: lists of requests, charges and models

mod generation;
mod lists;
mod submission;

pub use generation::Probe;

use crate::domain::{ApiMode, Failure};
use crate::provider::aimlapi::api_key::{ApiKey, KeyReader};
use crate::provider::aimlapi::envelope::InvalidResponse;
use crate::provider::aimlapi::errors;
use crate::provider::aimlapi::errors::{ErrorResponse, Operation};
use crate::provider::aimlapi::file_fields::FileFields;
use crate::provider::aimlapi::resend::Resends;
use crate::provider::body::Body;
use crate::provider::call::CallError;
use crate::provider::http::exchange::{HttpResponse, exchange, response_timeout};
use crate::provider::http::transport_errors::poll_error;
use crate::runtime::http_client::client_builder;
use crate::runtime::large_jobs;
use crate::runtime::proxy::{UnusableProxy, check_proxy};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Time after which an idle connection is closed.
///
/// Servers keep idle connections for longer. A submission is therefore not lost on a connection that the server has
/// just closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

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
    use crate::domain::ErrorClass;

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
