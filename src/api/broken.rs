//! Classification of calls that got no complete response.

use super::call::{CallError, CallErrorKind};
use super::transport::Broken;
use super::upload::FileTrouble;
use crate::domain::{ErrorClass, Failure};

/// Classifies a submission without a response.
///
/// The service may have accepted it only if the whole recording was sent (`finished`).
pub(super) fn broken_submission(broken: &Broken, finished: bool) -> CallError {
    let not_accepted = matches!(broken, Broken::NotConnected(_)) || !finished;
    let kind = if not_accepted {
        CallErrorKind::Unavailable
    } else {
        CallErrorKind::Unknown
    };
    let message = match (broken, not_accepted) {
        (Broken::NotConnected(_), _) => broken.to_string(),
        (_, true) => format!("{broken}, before the whole recording was sent"),
        (_, false) => format!("{broken}, after the whole recording was sent"),
    };
    network(kind, message, None)
}

/// Classifies a poll, or another read-only call, without a complete response.
pub(super) fn broken_poll(broken: &Broken, http_status: Option<u16>) -> CallError {
    match broken {
        Broken::TooLarge => CallError {
            kind: CallErrorKind::Garbled,
            failure: Failure::new(ErrorClass::Protocol, broken.to_string()),
            http_status,
            retry_after: None,
            request_id: None,
        },
        Broken::NotConnected(_) => {
            network(CallErrorKind::Unavailable, broken.to_string(), http_status)
        }
        Broken::Connection(_) | Broken::Silent => {
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
pub(super) fn file_trouble(trouble: &FileTrouble) -> CallError {
    let (kind, message) = match trouble {
        FileTrouble::Gone => (
            CallErrorKind::FileGone,
            "the file no longer exists".to_owned(),
        ),
        FileTrouble::Changed => (
            CallErrorKind::FileChanged,
            "the file changed during the upload; nothing was accepted".to_owned(),
        ),
        FileTrouble::Unreadable(error) => (
            CallErrorKind::FileUnreadable,
            format!("the file cannot be read: {error}"),
        ),
        FileTrouble::NotNow(error) => {
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
