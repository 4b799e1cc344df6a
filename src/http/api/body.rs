//! Bodies of requests.

use super::error::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body in JSON. Nothing stands for an object without fields.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|value| {
            let name = value.split(';').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("application/json")
        });
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        if body.is_empty() {
            return parse(b"{}");
        }
        match is_json {
            true => parse(&body),
            false => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be application/json",
            )),
        }
    }
}

/// Makes integers of numbers such as `3.0`, which are integers in JSON.
fn make_integers(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(make_integers),
        Value::Object(object) => object.values_mut().for_each(make_integers),
        Value::Number(number) => {
            let float = number.as_f64().filter(|_| number.is_f64());
            if let Some(float) = float.filter(|float| float.fract() == 0.0 && float.abs() < 9e18) {
                *number = (float as i64).into();
            }
        }
        _ => {}
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<JsonBody<T>, Problem> {
    let unusable = |error| Problem::bad(format!("the body cannot be used: {error}"));
    let mut value: Value = serde_json::from_slice(body).map_err(unusable)?;
    make_integers(&mut value);
    // A list would be read as the fields of an object in their order.
    if !value.is_object() {
        return Err(Problem::bad("the body must be a JSON object"));
    }
    serde_json::from_value(value)
        .map(JsonBody)
        .map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_without_a_fraction_is_an_integer() {
        let mut value = json!({"ids": [3.0, -7.0, 1.5, 1e300, 4], "other": "3.0"});
        make_integers(&mut value);
        assert_eq!(
            value.to_string(),
            r#"{"ids":[3,-7,1.5,1e+300,4],"other":"3.0"}"#
        );
    }
}
