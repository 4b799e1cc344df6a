//! Classification of calls that got no complete response.

use crate::domain::{ErrorClass, Failure};
use crate::provider::call::{CallError, CallErrorKind};
use crate::provider::http::exchange::TransportError;
use crate::provider::http::upload::FileError;

/// Classifies a submission without a response.
///
/// The service may have accepted it only if the whole recording was sent (`finished`).
pub(crate) fn submit_error(broken: &TransportError, finished: bool) -> CallError {
    let (kind, message) = match (broken, finished) {
        (TransportError::NotConnected(_), _) => (CallErrorKind::Unavailable, broken.to_string()),
        (TransportError::NotProcessed, _) => (CallErrorKind::NotProcessed, broken.to_string()),
        (_, false) => (
            CallErrorKind::Unavailable,
            format!("{broken}, before the whole recording was sent"),
        ),
        (_, true) => (
            CallErrorKind::Unknown,
            format!("{broken}, after the whole recording was sent"),
        ),
    };
    network(kind, message, None)
}

/// Classifies a poll, or another read-only call, without a complete response.
pub(crate) fn poll_error(broken: &TransportError, http_status: Option<u16>) -> CallError {
    match broken {
        TransportError::TooLarge => CallError {
            kind: CallErrorKind::Malformed,
            failure: Failure::new(ErrorClass::Protocol, broken.to_string()),
            http_status,
            retry_after: None,
            request_id: None,
        },
        TransportError::NotConnected(_) => {
            network(CallErrorKind::Unavailable, broken.to_string(), http_status)
        }
        TransportError::NotProcessed => {
            network(CallErrorKind::NotProcessed, broken.to_string(), http_status)
        }
        TransportError::Connection(_) | TransportError::TimedOut => {
            network(CallErrorKind::Unknown, broken.to_string(), http_status)
        }
    }
}

fn network(kind: CallErrorKind, message: String, http_status: Option<u16>) -> CallError {
    let failure = Failure::new(ErrorClass::Network, message);
    CallError {
        kind,
        failure,
        http_status,
        retry_after: None,
        request_id: None,
    }
}

/// Classifies an upload that failed because of its file.
pub(crate) fn file_error(trouble: &FileError) -> CallError {
    let (kind, message) = match trouble {
        FileError::Gone => (
            CallErrorKind::FileGone,
            "the file no longer exists".to_owned(),
        ),
        FileError::Changed => (
            CallErrorKind::FileChanged,
            "the file changed during the upload; nothing was accepted".to_owned(),
        ),
        FileError::Unreadable(error) => (
            CallErrorKind::FileUnreadable,
            format!("the file cannot be read: {error}"),
        ),
        FileError::OutOfResources(error) => {
            let message = format!("this machine is out of resources: {error}");
            return network(CallErrorKind::Unavailable, message, None);
        }
    };
    let failure = Failure::new(ErrorClass::Unreadable, message);
    CallError {
        kind,
        failure,
        http_status: None,
        retry_after: None,
        request_id: None,
    }
}
