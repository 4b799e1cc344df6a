//! The account's ledger: one transaction for each charged request.

use crate::domain::Timestamp;
use crate::provider::aimlapi::envelope::InvalidResponse;
use crate::provider::aimlapi::request_log::read_time;
use serde_json::Value;

/// A charge for one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Inference ID of the request: for a submission, its generation ID.
    pub inference_id: String,
    /// Time of the charge, if present.
    pub created: Option<Timestamp>,
    /// Amount in US dollars, if present.
    pub usd: Option<f64>,
}

/// Page of the ledger, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionPage {
    /// Charges of the page. Deposits and other transactions without a request are left out.
    pub transactions: Vec<Transaction>,
    /// Cursor of the next page. `None` for the last one.
    pub next_cursor: Option<String>,
}

/// Reads a page.
///
/// # Errors
/// Returns an error if the body is not a JSON object with a `data` list.
pub(crate) fn read_transactions(body: &[u8]) -> Result<TransactionPage, InvalidResponse> {
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let Some(data) = value.get("data").and_then(Value::as_array) else {
        return Err(InvalidResponse::default());
    };
    let has_more = ["/has_more", "/pagination/has_more"]
        .iter()
        .find_map(|path| value.pointer(path)?.as_bool());
    let next_cursor = [
        "/next_cursor",
        "/pagination/next_cursor",
        "/pagination/next",
        "/cursors/next",
        "/next",
    ]
    .iter()
    .find_map(|path| value.pointer(path)?.as_str());
    Ok(TransactionPage {
        transactions: data.iter().filter_map(transaction).collect(),
        next_cursor: next_cursor
            .filter(|_| has_more != Some(false))
            .map(str::to_owned),
    })
}

fn transaction(item: &Value) -> Option<Transaction> {
    let created = ["created_at", "created", "timestamp"]
        .iter()
        .find_map(|key| item.get(*key));
    Some(Transaction {
        inference_id: item.get("reference_id")?.as_str()?.to_owned(),
        created: created.and_then(read_time),
        usd: amount(item),
    })
}

/// Returns the amount of a charge, which some ledgers list as a negative number.
fn amount(item: &Value) -> Option<f64> {
    let in_usd = ["/usd", "/amount_usd", "/cost/usd", "/amount/usd"];
    let currency = item.get("currency").and_then(Value::as_str);
    let is_usd = currency.is_none_or(|currency| currency.eq_ignore_ascii_case("usd"));
    let plain = is_usd.then_some("/amount");
    let amounts = in_usd.into_iter().chain(plain);
    let number = |value: &Value| {
        value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    };
    amounts
        .filter_map(|path| number(item.pointer(path)?))
        .map(f64::abs)
        .find(|amount| amount.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_read_with_their_cursor() {
        let page = read_transactions(
            br#"{"data": [
                {"id": "t1", "type": "usage", "reference_id": "g-1", "amount": -0.5, "currency": "USD", "created_at": "2026-05-01T00:00:01.500Z"},
                {"id": "t2", "type": "deposit", "amount": 10, "reference_id": null},
                {"reference_id": "g-2", "cost": {"usd": "0.25", "credits": 1}, "amount": -7, "currency": "credits"}
            ], "pagination": {"next_cursor": "abc", "has_more": true}}"#,
        )
        .unwrap();
        assert_eq!(page.next_cursor.as_deref(), Some("abc"));
        let [first, second] = page.transactions.as_slice() else {
            panic!("{page:?}");
        };
        assert_eq!((first.inference_id.as_str(), first.usd), ("g-1", Some(0.5)));
        assert_eq!(
            first.created.map(Timestamp::millis),
            Some(1_777_593_601_500)
        );
        assert_eq!(
            (second.inference_id.as_str(), second.usd),
            ("g-2", Some(0.25))
        );
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let next = |body: &str| read_transactions(body.as_bytes()).unwrap().next_cursor;
        assert_eq!(next(r#"{"data": []}"#), None);
        assert_eq!(next(r#"{"data": [], "next_cursor": null}"#), None);
        assert_eq!(
            next(r#"{"data": [], "next_cursor": "a", "has_more": false}"#),
            None
        );
        assert_eq!(
            next(r#"{"data": [], "next_cursor": "a"}"#).as_deref(),
            Some("a")
        );
        assert!(read_transactions(b"[]").is_err());
    }
}
