//! Charges that the service lists for a period.

use super::error::AppError;
use crate::domain::Timestamp;
use crate::provider::Transaction;
use crate::provider::{ChargedRequest, Client};
use crate::store::sqlite::billing::BillingEntry;
use std::collections::{HashMap, HashSet};

/// Returns the charged requests from `start` to `end`.
///
/// They come from the account's ledger. A key that may not read it gets them from its request log, which also lists failed
/// requests.
///
/// # Errors
/// If the service offers neither list, or one cannot be read.
pub(super) async fn listed_charges(
    client: &Client,
    entries: &[BillingEntry],
    start: Timestamp,
    end: Timestamp,
) -> Result<Vec<ChargedRequest>, AppError> {
    let Some(transactions) = ledger(client, start, end).await? else {
        let requests = request_log(client, start, end).await?;
        return requests.ok_or(AppError::NoRequestList);
    };
    let mut names: HashMap<String, String> = entries
        .iter()
        .filter_map(|entry| {
            Some((
                entry.generation_id.clone()?,
                entry.client_request_id.clone()?,
            ))
        })
        .collect();
    let is_unnamed = |charge: &Transaction| !names.contains_key(&charge.inference_id);
    if transactions.iter().any(is_unnamed) {
        // A submission whose answer was lost has no generation ID here. The request log knows its client request ID.
        let requests = request_log(client, start, end).await?.unwrap_or_default();
        let named = requests
            .into_iter()
            .filter_map(|request| Some((request.inference_id?, request.client_request_id?)));
        names.extend(named);
    }
    Ok(transactions
        .into_iter()
        .map(|charge| charged(charge, &names))
        .collect())
}

fn charged(charge: Transaction, names: &HashMap<String, String>) -> ChargedRequest {
    ChargedRequest {
        client_request_id: names.get(&charge.inference_id).cloned(),
        request_id: Some(charge.inference_id.clone()),
        inference_id: Some(charge.inference_id),
        created: charge.created,
        model: None,
        succeeded: true,
        usd: charge.usd,
    }
}

/// Returns the transactions of the ledger. `None` if the key may not read it.
async fn ledger(
    client: &Client,
    start: Timestamp,
    end: Timestamp,
) -> Result<Option<Vec<Transaction>>, AppError> {
    let (mut all, mut cursor, mut seen) = (Vec::new(), None, HashSet::new());
    loop {
        let page = client.transactions(cursor.as_deref()).await;
        let page = page.map_err(|error| AppError::RequestList(error.failure.message))?;
        let Some(page) = page else {
            return Ok(None);
        };
        let last = page.transactions.last().and_then(|charge| charge.created);
        let is_within = |charge: &Transaction| {
            charge
                .created
                .is_none_or(|created| start <= created && created <= end)
        };
        all.extend(page.transactions.into_iter().filter(is_within));
        cursor = page
            .next_cursor
            .filter(|next| last.is_none_or(|last| last >= start) && seen.insert(next.clone()));
        if cursor.is_none() {
            return Ok(Some(all));
        }
    }
}

/// Returns the requests of the request log. `None` if the service has none for this account.
async fn request_log(
    client: &Client,
    start: Timestamp,
    end: Timestamp,
) -> Result<Option<Vec<ChargedRequest>>, AppError> {
    let mut requests = Vec::new();
    loop {
        let page = client.charges(start, end, requests.len()).await;
        let page = page.map_err(|error| AppError::RequestList(error.failure.message))?;
        let Some(page) = page else {
            return Ok(None);
        };
        let is_empty = page.requests.is_empty();
        requests.extend(page.requests);
        if !page.has_more || is_empty {
            return Ok(Some(requests));
        }
    }
}
