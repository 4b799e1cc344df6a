//! Pings to a monitor of scheduled jobs, in the manner of healthchecks.io. The monitor reports a run that does not begin or
//! does not end.

use crate::runtime::http_client::client_builder;
use std::time::Duration;
use url::Url;

/// Time limit of a ping.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Number of times a ping is sent until it arrives.
const ATTEMPTS: u32 = 3;

/// State of a run, for the monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunSignal {
    /// It has begun.
    Start,
    /// It ended, or goes on, without problems.
    Success,
    /// It needs a person, or recordings failed.
    Failure,
}

/// HTTP client and URL of the monitor.
pub struct Healthcheck {
    http: reqwest::Client,
    url: Url,
}

impl Healthcheck {
    /// Sets up the client. Opens no connection.
    ///
    /// # Errors
    /// If no certificates are found to verify the monitor's.
    pub fn new(url: &Url) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: client_builder(url).timeout(TIMEOUT).build()?,
            url: url.clone(),
        })
    }

    /// Sends a signal with a line of text. A start is sent once, because a later ping would be wrong.
    ///
    /// # Errors
    /// Why the monitor did not take the signal, one line without its URL, which may be a secret.
    pub async fn ping(&self, signal: RunSignal, text: String) -> Result<(), String> {
        let url = ping_url(&self.url, signal);
        let attempts = match signal {
            RunSignal::Start => 1,
            RunSignal::Success | RunSignal::Failure => ATTEMPTS,
        };
        let mut failed = Ok(());
        for _ in 0..attempts {
            let response = self.http.post(url.clone()).body(text.clone()).send().await;
            failed = match response {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => Err(format!("responded with {}", response.status())),
                Err(error) if error.is_timeout() => Err("timed out".to_owned()),
                Err(_) => Err("cannot be reached".to_owned()),
            };
        }
        failed
    }
}

/// Returns the URL of a signal: `/start` or `/fail` below the URL of the monitor, or the URL itself.
fn ping_url(url: &Url, signal: RunSignal) -> Url {
    let mut url = url.clone();
    let name = match signal {
        RunSignal::Start => "start",
        RunSignal::Failure => "fail",
        RunSignal::Success => return url,
    };
    // Only a URL without a host has no path, and the configuration refuses it.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(name);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_below_the_url() {
        for (url, start, success) in [
            (
                "https://hc-ping.com/0a1b",
                "https://hc-ping.com/0a1b/start",
                "https://hc-ping.com/0a1b",
            ),
            (
                "https://h/ping/key/slug/?create=1",
                "https://h/ping/key/slug/start?create=1",
                "https://h/ping/key/slug/?create=1",
            ),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(ping_url(&url, RunSignal::Start).as_str(), start);
            assert_eq!(ping_url(&url, RunSignal::Success).as_str(), success);
            assert!(ping_url(&url, RunSignal::Failure).path().ends_with("/fail"));
        }
    }
}
