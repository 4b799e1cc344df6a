//! State that all tools share, and their answers.

use crate::app::error::{AppError, message_of};
use crate::app::request_error::RequestError;
use crate::app::session::Session;
use rmcp::ErrorData;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::IntoCallToolResult;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, IntoContents, JsonObject};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Number of searches at the same time. Others wait.
const MAX_SEARCHES: usize = 2;

/// State that all tools share.
pub(super) struct Tools {
    /// Configuration and queue.
    pub(super) session: Arc<Session>,
    /// Permits for searches. One may read many transcripts.
    pub(super) searches: Semaphore,
    /// Tools that are offered.
    pub(super) router: ToolRouter<Self>,
}

impl Tools {
    /// Creates the state of a server that offers the tools of `router`.
    pub(super) fn new(session: Arc<Session>, router: ToolRouter<Self>) -> Self {
        Self {
            session,
            searches: Semaphore::new(MAX_SEARCHES),
            router,
        }
    }
}

/// Answer of a tool: an object, which the client also gets as text.
pub(super) struct Answer<T>(pub(super) T);

impl<T: Serialize> IntoCallToolResult for Answer<T> {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        let value = serde_json::to_value(self.0).map_err(|error| {
            ErrorData::internal_error(format!("cannot write the answer as JSON: {error}"), None)
        })?;
        Ok(CallToolResult::structured(value).into())
    }
}

/// Returns the schema of an answer. Its text is a file of `docs/json`, which a test compares with the types.
///
/// # Panics
/// If it is not an object. The files are a part of the program.
pub(super) fn output_schema(text: &str) -> Arc<JsonObject> {
    let schema = serde_json::from_str(text);
    Arc::new(schema.expect("the schemas in docs/json are objects"))
}

/// Reason that a tool did not do what was asked.
pub(super) struct Refused(String);

impl Refused {
    /// The arguments cannot be used.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        let message = message_of(&error);
        if let AppError::Store(_) | AppError::Io(_) = error {
            tracing::error!(error = %message, "a tool failed");
        }
        Self(message)
    }
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Invalid(reason) => Self(reason),
            RequestError::App(error) => error.into(),
        }
    }
}

/// rmcp marks the result of an `Err` as an error.
impl IntoContents for Refused {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(self.0)]
    }
}
