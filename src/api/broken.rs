//! What a call that got no answer means.

use super::call::{CallError, CallErrorKind};
use super::transport::Broken;
use super::upload::FileTrouble;
use crate::domain::{ErrorClass, Failure};

/// A submission without an answer: only where the whole recording was sent, it may have been accepted.
pub(super) fn broken_submission(broken: &Broken, finished: bool) -> CallError {
    let certain = matches!(broken, Broken::NotConnected(_)) || !finished;
    let kind = if certain {
        CallErrorKind::Unavailable
    } else {
        CallErrorKind::Unknown
    };
    let message = match (broken, certain) {
        (Broken::NotConnected(_), _) => broken.to_string(),
        (_, true) => format!("{broken}, before the whole recording was sent"),
        (_, false) => format!("{broken}, after the whole recording was sent"),
    };
    network(kind, message, None)
}

/// A poll, or another question, without an answer that can be read.
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

/// A file that could not be sent.
pub(super) fn file_trouble(trouble: &FileTrouble) -> CallError {
    let (kind, message) = match trouble {
        FileTrouble::Gone => (
            CallErrorKind::FileGone,
            "the file is not there any more".to_owned(),
        ),
        FileTrouble::Changed => (
            CallErrorKind::FileChanged,
            "the file was changed while it was sent; nothing was accepted".to_owned(),
        ),
        FileTrouble::Unreadable(error) => (
            CallErrorKind::FileUnreadable,
            format!("the file cannot be read: {error}"),
        ),
        FileTrouble::NotNow(error) => {
            let message = format!("this machine is out of something: {error}");
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
