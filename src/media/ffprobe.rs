//! Lengths from ffprobe, for recordings whose length the readers of this crate cannot tell. It reads less than a mebibyte.

use super::ff_program::{BOUNDS, FfProgram, INPUT_OPTIONS, file, words};
use super::inspect::MAX_LENGTH_S;
use super::sound::Length;
use crate::runtime::subprocess::CaptureError;
use serde::Deserialize;
use std::path::Path;

/// Kinds of recordings whose length only ffprobe tells, for `check`.
pub const KINDS: &str =
    "WavPack, TTA, DTS, Musepack, DSF, RealAudio, VOC, MXF and other rare kinds";
/// Arguments of a call before the options of the input, and after them. Values are in bytes.
const FIRST: [&str; 3] = ["-hide_banner", "-v", "warning"];
const LAST: [&str; 11] = [
    "-formatprobesize",
    "131072",
    "-probesize",
    "262144",
    "-show_entries",
    "format=duration:stream=codec_type,duration",
    "-select_streams",
    "a:0",
    "-of",
    "json",
    "-i",
];
/// Warning of ffprobe about a length that it extrapolates.
const ESTIMATE: &str = "Estimating duration from bitrate";

/// The program, after it has told its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ffprobe(FfProgram);

impl Ffprobe {
    /// Asks the program for its version. `withheld` names the environment variables to remove from its environment.
    ///
    /// # Errors
    /// If it cannot be run, or is another program.
    pub async fn new(program: &Path, withheld: Vec<String>) -> Result<Self, CaptureError> {
        FfProgram::new("ffprobe", program, withheld).await.map(Self)
    }

    /// Returns its path.
    #[must_use]
    pub fn program(&self) -> &Path {
        self.0.program()
    }

    /// Returns its version: printable ASCII.
    #[must_use]
    pub fn version(&self) -> &str {
        self.0.version()
    }

    /// Asks for the length of the first sound track of a file, given by its absolute path.
    ///
    /// # Errors
    /// If ffprobe cannot be started, exceeds its bounds, or cannot read the file.
    pub async fn length(&self, path: &Path) -> Result<Length, CaptureError> {
        let options = [&FIRST[..], &INPUT_OPTIONS, &LAST].concat();
        let mut arguments: Vec<_> = words(&options).collect();
        arguments.push(file(path));
        let answer = self.0.call(arguments, &BOUNDS).await?;
        let seconds = seconds(&answer.stdout);
        let length = match answer.stderr.contains(ESTIMATE) {
            true => seconds.map(Length::Estimated),
            false => seconds.map(Length::Exact),
        };
        Ok(length.unwrap_or_default().if_plausible(MAX_LENGTH_S))
    }
}

/// Answer about a recording.
#[derive(Deserialize)]
struct Answer {
    streams: Vec<Stream>,
    format: Format,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: String,
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Format {
    duration: Option<String>,
}

/// Returns the seconds of the sound track, or of the file if the track has none. `None` without a sound track.
fn seconds(answer: &[u8]) -> Option<f64> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let track = answer
        .streams
        .into_iter()
        .find(|stream| stream.codec_type == "audio")?;
    let seconds: f64 = track.duration.or(answer.format.duration)?.parse().ok()?;
    seconds.is_finite().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sound_track_decides() {
        let both = br#"{"programs":[],"streams":[{"codec_type":"audio","duration":"30.014"}],"format":{"duration":"31.5"}}"#;
        assert_eq!(seconds(both), Some(30.014));
        let file = br#"{"streams":[{"codec_type":"audio"}],"format":{"duration":"119.99"}}"#;
        assert_eq!(seconds(file), Some(119.99));
    }

    #[test]
    fn anything_else_tells_no_length() {
        let answers: [&[u8]; 7] = [
            b"",
            b"12.5",
            br#"{"streams":[],"format":{"duration":"3.0"}}"#,
            br#"{"streams":[{"codec_type":"audio"}],"format":{}}"#,
            br#"{"streams":[{"codec_type":"audio","duration":"N/A"}],"format":{}}"#,
            br#"{"streams":[{"codec_type":"audio","duration":"inf"}],"format":{}}"#,
            br#"{"streams":[{"codec_type":"video","duration":"3.0"}],"format":{"duration":"3.0"}}"#,
        ];
        for answer in answers {
            assert_eq!(seconds(answer), None, "{}", String::from_utf8_lossy(answer));
        }
    }
}
