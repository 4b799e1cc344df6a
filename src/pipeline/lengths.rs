//! Lengths of recordings that only ffprobe can tell.

use crate::config::Config;
use crate::media::ffprobe::Ffprobe;
use crate::media::sound::Length;
use crate::pipeline::optional_tool::OptionalTool;
use crate::runtime::subprocess::CaptureError;
use crate::store::sqlite::durations::FoundLength;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Number of time-outs in a row after which ffprobe is not asked any more. A plan of many files would wait for hours.
const MAX_TIMEOUTS: u32 = 3;

/// Asks ffprobe for lengths, at most until the end of a run. A failure of ffprobe is an unknown length and stops nothing.
#[derive(Debug)]
pub struct Lengths {
    ffprobe: OptionalTool<Ffprobe>,
    timeouts: AtomicU32,
}

impl Lengths {
    /// Sets it up. Runs nothing.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let warning = "ffprobe does not work; some lengths stay unknown";
        Self {
            ffprobe: OptionalTool::new(&config.media.ffprobe, config, warning),
            timeouts: AtomicU32::new(0),
        }
    }

    /// Names what reads lengths: this version, and the version of ffprobe. Another name may know more lengths.
    pub async fn readers(&self) -> String {
        let own = env!("CARGO_PKG_VERSION");
        match self.ffprobe().await {
            None => format!("nightscribe {own}"),
            Some(ffprobe) => format!("nightscribe {own}, ffprobe {}", ffprobe.version()),
        }
    }

    /// Returns the length of a file that the readers of this program could not tell. `unknown_to` names the readers that
    /// tried before. Returns `None` if nothing is to be stored: they are the same, or it may be known another time.
    pub async fn ask(&self, path: &Path, unknown_to: Option<&str>) -> Option<FoundLength> {
        let readers = self.readers().await;
        if unknown_to == Some(readers.as_str()) {
            return None;
        }
        let Some(ffprobe) = self.ffprobe().await else {
            return Some(FoundLength::UnknownTo(readers));
        };
        if self.timeouts.load(Ordering::Relaxed) >= MAX_TIMEOUTS {
            return None;
        }
        let answer = ffprobe.length(path).await;
        match &answer {
            Err(CaptureError::TimedOut(_)) => self.count_timeout(ffprobe),
            _ => self.timeouts.store(0, Ordering::Relaxed),
        }
        match answer {
            Ok(length) => Some(found_length(length).unwrap_or(FoundLength::UnknownTo(readers))),
            Err(error) => {
                tracing::debug!(file = %path.display(), %error, "ffprobe cannot tell the length");
                let may_change = matches!(error, CaptureError::NotStarted { .. });
                (!may_change).then_some(FoundLength::UnknownTo(readers))
            }
        }
    }

    fn count_timeout(&self, ffprobe: &Ffprobe) {
        if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 == MAX_TIMEOUTS {
            let program = ffprobe.program().display();
            tracing::warn!(%program, "ffprobe timed out {MAX_TIMEOUTS} times; it is not asked for more lengths in this run");
        }
    }

    async fn ffprobe(&self) -> Option<&Ffprobe> {
        self.ffprobe.get(Ffprobe::new).await
    }
}

/// Returns a length in the form in which it is stored. `None` if it is unknown.
#[must_use]
pub const fn found_length(length: Length) -> Option<FoundLength> {
    match length {
        Length::Exact(seconds) => Some(FoundLength::Exact(seconds)),
        Length::Estimated(seconds) => Some(FoundLength::Estimated(seconds)),
        Length::Unknown => None,
    }
}
