//! Submissions and polls.

use super::lists::PRICE_PER_SECOND;
use super::shared::{Shared, SharedState, client_request_id, key, set_header};
use crate::fault::{Endpoint, Fault};
use crate::response::{ConnectionHandle, RequestContext, json_response};
use crate::result::{ResultBody, result};
use crate::state::{Denied, GenerationLookup};
use crate::submission;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};

const INFERENCE_ID: HeaderName = HeaderName::from_static("x-inference-id");
const USD_SPENT: HeaderName = HeaderName::from_static("x-aimlapi-usd-spent");

/// Accepted submission, and the fault to inject into its response.
struct AcceptedSubmission {
    id: String,
    fails: bool,
    submission: submission::ReceivedSubmission,
    fault: Option<Fault>,
}

pub(super) async fn create(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    Extension(cut): Extension<ConnectionHandle>,
    request: Request,
) -> Result<Response, Response> {
    let accepted = accept_submission(&shared, &call, &cut, request).await?;
    let response = match accepted.fault {
        Some(Fault::Empty) => StatusCode::CREATED.into_response(),
        fault => json_response(
            StatusCode::CREATED,
            &json!({"generation_id": accepted.id}),
            fault,
            &cut,
        ),
    };
    Ok(with_inference_id(response, &accepted.id))
}

pub(super) async fn legacy(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    Extension(cut): Extension<ConnectionHandle>,
    request: Request,
) -> Result<Response, Response> {
    let accepted = accept_submission(&shared, &call, &cut, request).await?;
    tokio::time::sleep(shared.delay).await;
    let response = match accepted.fault {
        _ if accepted.fails => call.error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the transcription failed",
        ),
        Some(Fault::Empty) => StatusCode::CREATED.into_response(),
        fault => {
            if fault != Some(Fault::Truncate) {
                shared.state().mark_fetched(&accepted.id);
            }
            json_response(
                StatusCode::CREATED,
                &result(&accepted.submission),
                fault,
                &cut,
            )
        }
    };
    Ok(with_inference_id(response, &accepted.id))
}

/// Admits, reads, validates and accepts a submission. The error is the response to a rejected one.
async fn accept_submission(
    shared: &Shared,
    call: &RequestContext,
    cut: &ConnectionHandle,
    request: Request,
) -> Result<AcceptedSubmission, Response> {
    let admitted = shared
        .state()
        .admit(Endpoint::Submit, key(request.headers()), shared.now());
    let injected = match admitted {
        Ok(injected) => injected,
        Err(denied) => return Err(reject(shared, denied_response(call, &denied), request).await),
    };
    let fault = injected.map(|injected| injected.fault);
    if fault == Some(Fault::Refuse) {
        shared.state().count_cut();
        return cut.sever().await;
    }
    if let Some(error) = injected.and_then(|injected| call.fault_response(injected)) {
        return Err(reject(shared, error, request).await);
    }
    let client_request_id = client_request_id(request.headers());
    let submission = submission::read(request).await.and_then(|submission| {
        shared.state().check_model(&submission.model)?;
        Ok(submission)
    });
    let submission = submission.map_err(|refusal| {
        shared.state().count_rejected(refusal.status);
        call.rejection_response(&refusal)
    })?;
    if fault == Some(Fault::DropBefore) {
        shared.state().count_cut();
        return cut.sever().await;
    }
    let accepted = shared
        .state()
        .accept(submission.clone(), client_request_id, shared.now());
    if fault == Some(Fault::DropAfter) {
        return cut.sever().await;
    }
    Ok(AcceptedSubmission {
        id: accepted.id,
        fails: accepted.fails,
        submission,
        fault,
    })
}

/// Counts an error response and reads the request's body to its end.
///
/// A client that is still sending could not read the response otherwise.
async fn reject(shared: &Shared, error: Response, request: Request) -> Response {
    shared.state().count_rejected(error.status());
    let mut body = request.into_body().into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
    error
}

fn denied_response(call: &RequestContext, denied: &Denied) -> Response {
    match denied {
        Denied::Rejected(refusal) => call.rejection_response(refusal),
        Denied::OverLimit(wait) => call.too_many_requests(*wait),
    }
}

/// Response to a poll of an existing generation.
#[derive(serde::Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum PollBody {
    Waiting,
    Active,
    Error { result: (), error: Value },
    Completed { result: ResultBody },
}

pub(super) async fn poll(
    State(shared): SharedState,
    Extension(call): Extension<RequestContext>,
    Extension(cut): Extension<ConnectionHandle>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let admitted = shared
        .state()
        .admit(Endpoint::Poll, key(&headers), shared.now());
    let injected = match admitted {
        Ok(injected) => injected,
        Err(denied) => return denied_response(&call, &denied),
    };
    let fault = injected.map(|injected| injected.fault);
    if fault == Some(Fault::Refuse) {
        return cut.sever().await;
    }
    if let Some(error) = injected.and_then(|injected| call.fault_response(injected)) {
        return error;
    }
    // An ID that is not UTF-8 matches no generation.
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let found = shared.state().poll(&id, fault, shared.now());
    let spent = match &found {
        GenerationLookup::Completed(submission) => submission.duration_s * PRICE_PER_SECOND,
        _ => 0.0,
    };
    let body = match found {
        GenerationLookup::Missing => {
            return call.error_response(StatusCode::NOT_FOUND, "generation not found");
        }
        GenerationLookup::Waiting => PollBody::Waiting,
        GenerationLookup::Active => PollBody::Active,
        GenerationLookup::Failed => PollBody::Error {
            result: (),
            error: json!({"name": "TranscriptionError", "message": "the audio could not be transcribed"}),
        },
        GenerationLookup::Completed(submission) => PollBody::Completed {
            result: result(&submission),
        },
    };
    // The service documents status 201 for polls, too.
    let mut response = json_response(StatusCode::CREATED, &body, fault, &cut);
    set_header(&mut response, USD_SPENT, &spent.to_string());
    with_inference_id(response, &id)
}

fn with_inference_id(mut response: Response, id: &str) -> Response {
    set_header(&mut response, INFERENCE_ID, id);
    response
}
