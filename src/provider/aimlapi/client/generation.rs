//! Polls of a generation, and the probe.

use super::{Client, parse_response};
use crate::provider::aimlapi::errors::Operation;
use crate::provider::aimlapi::headers;
use crate::provider::aimlapi::response::read_poll_response;
use crate::provider::call::{CallError, Expected, PollReply, PollStatus, UnusableAnswer};
use crate::provider::http::transport_errors::poll_error;
use std::time::SystemTime;

/// Result of [`Client::probe`].
#[derive(Debug)]
pub struct Probe {
    /// Whether the service is available and accepts the key, otherwise the error.
    pub outcome: Result<(), CallError>,
    /// The service's clock, from the `Date` header.
    pub server_time: Option<SystemTime>,
}

impl Client {
    /// Polls for a result. Idempotent.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`](crate::provider::CallErrorKind) lists the cases.
    pub async fn poll(&self, expected: Expected) -> Result<PollReply, CallError> {
        let response = self
            .get(self.url(&["stt", expected.generation.as_str()]))
            .await?;
        if !(200..300).contains(&response.status) || response.is_page() {
            return Err(self.error_response(Operation::Poll, &response));
        }
        let (status, usd_spent) = (response.status, headers::usd_spent(&response));
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
}
