//! Lists of the service: requests, charges, prices and deprecated models.

use super::{Client, parse_response};
use crate::domain::Timestamp;
use crate::provider::aimlapi::deprecations::{Deprecation, read_deprecations};
use crate::provider::aimlapi::envelope::InvalidResponse;
use crate::provider::aimlapi::errors::Operation;
use crate::provider::aimlapi::list::{ListPath, ListResponse};
use crate::provider::aimlapi::prices::{PriceList, read_prices};
use crate::provider::aimlapi::request_log::{
    ChargedPage, LogsResponse, PAGE_SIZE, read_charges, read_page,
};
use crate::provider::aimlapi::transactions::{TransactionPage, read_transactions};
use crate::provider::call::{CallError, CallErrorKind};
use crate::provider::http::exchange::{exchange, response_timeout};
use crate::provider::http::transport_errors::poll_error;
use reqwest::header::IF_NONE_MATCH;
use url::Url;

impl Client {
    /// Returns a page of the key's requests from `start` to `end`, newest first, skipping the first `offset`.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn logs(
        &self,
        start: Timestamp,
        end: Timestamp,
        offset: usize,
    ) -> Result<LogsResponse, CallError> {
        let url = self.logs_url(start, end, offset);
        let page = self.fetch_list(url, read_page).await?;
        Ok(page.map_or(LogsResponse::Unsupported, LogsResponse::Page))
    }

    /// Returns the same page as [`logs`](Self::logs), with costs.
    ///
    /// Returns `None` if the service has no such list, or not for this account.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn charges(
        &self,
        start: Timestamp,
        end: Timestamp,
        offset: usize,
    ) -> Result<Option<ChargedPage>, CallError> {
        let url = self.logs_url(start, end, offset);
        self.fetch_list(url, read_charges).await
    }

    fn logs_url(&self, start: Timestamp, end: Timestamp, offset: usize) -> Url {
        let mut url = self.base_url.clone();
        url.set_path("/v2/logs");
        url.query_pairs_mut()
            .append_pair("start", &start.to_string())
            .append_pair("end", &end.to_string())
            .append_pair("limit", &PAGE_SIZE.to_string())
            .append_pair("offset", &offset.to_string());
        url
    }

    /// Returns the service's price list.
    ///
    /// Returns `None` if the service has no price list, or not for this account.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn prices(&self) -> Result<Option<PriceList>, CallError> {
        self.fetch_list(self.list_url(ListPath::Models), read_prices)
            .await
    }

    /// Returns the service's list of deprecated models.
    ///
    /// Returns `None` if the service has no such list.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn deprecations(&self) -> Result<Option<Vec<Deprecation>>, CallError> {
        self.fetch_list(self.list_url(ListPath::Deprecations), read_deprecations)
            .await
    }

    /// Returns a list as the service sends it. With the `etag` of an earlier response, an unchanged list is not sent again.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn list(
        &self,
        path: ListPath,
        etag: Option<&str>,
    ) -> Result<ListResponse, CallError> {
        let mut request = self.http.get(self.list_url(path));
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = exchange(request, response_timeout())
            .await
            .map_err(|broken| poll_error(&broken, None))?;
        match response.status {
            200..=299 if !response.is_page() => {}
            304 => return Ok(ListResponse::NotModified),
            402 | 403 | 404 | 405 | 410 | 501 => return Ok(ListResponse::Unsupported),
            _ => return Err(self.error_response(Operation::Poll, &response)),
        }
        let (status, etag) = (response.status, response.etag);
        let body = response
            .body
            .map_err(|broken| poll_error(&broken, Some(status)))?;
        let bytes = parse_response(body, |body| Ok(body.into_bytes()?)).await;
        bytes
            .map(|body| ListResponse::Body { body, etag })
            .map_err(|why| CallError::malformed(why, status, response.request_id))
    }

    fn list_url(&self, path: ListPath) -> Url {
        match path {
            ListPath::Models => {
                let mut url = self.url(&["models"]);
                url.set_query(Some("include=pricing"));
                url
            }
            ListPath::Deprecations => self.url(&["models", "deprecations"]),
        }
    }

    /// Returns the page of the account's ledger at `cursor`, or the first page, newest first.
    ///
    /// Returns `None` if the service has no ledger, or not for this key.
    ///
    /// # Errors
    /// Returns an error if the call fails. [`CallErrorKind`] lists the cases.
    pub async fn transactions(
        &self,
        cursor: Option<&str>,
    ) -> Result<Option<TransactionPage>, CallError> {
        let mut url = self.base_url.clone();
        url.set_path("/v2/billing/transactions");
        url.query_pairs_mut()
            .append_pair("limit", &PAGE_SIZE.to_string());
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        self.fetch_list(url, read_transactions).await
    }

    /// Fetches a list. Returns `None` if the service has no such list, or not for this account.
    async fn fetch_list<T: Send + 'static>(
        &self,
        url: Url,
        read: fn(&[u8]) -> Result<T, InvalidResponse>,
    ) -> Result<Option<T>, CallError> {
        let response = self.get(url).await?;
        if !(200..300).contains(&response.status) || response.is_page() {
            let error = self.error_response(Operation::Poll, &response);
            // A 403 of a firewall says nothing about the lists of the service. A 404 may be a page also without one.
            let unsupported = matches!(response.status, 404 | 405 | 410 | 501)
                || error.kind == CallErrorKind::Credit;
            return if unsupported { Ok(None) } else { Err(error) };
        }
        let status = response.status;
        let body = response
            .body
            .map_err(|broken| poll_error(&broken, Some(status)))?;
        let list = parse_response(body, move |body| read(&body.into_bytes()?)).await;
        list.map(Some)
            .map_err(|why| CallError::malformed(why, status, response.request_id))
    }
}
