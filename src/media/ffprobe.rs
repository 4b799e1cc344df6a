//! Lengths from ffprobe, for recordings whose length the readers of this crate cannot tell.
//!
//! ffprobe gets the path as one argument with the protocol `file:`, so that no name is an option or an address. It opens
//! no other file and no network, and reads less than a mebibyte.

use super::inspect::MAX_LENGTH_S;
use super::sound::Length;
use crate::runtime::subprocess::{Bounds, CaptureError, Invocation, ProgramError, capture};
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Kinds of recordings whose length only ffprobe tells, for `check`.
pub const KINDS: &str =
    "WavPack, TTA, DTS, Musepack, DSF, RealAudio, VOC, MXF and other rare kinds";
/// Bounds of a call. A recording takes a fraction of a second, and the libraries 300 MB of address space.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(30),
    output_bytes: 64 * 1024,
    memory_bytes: 1 << 30,
};
/// Arguments of a call, without the recording. Values are in bytes.
const ARGUMENTS: [&str; 17] = [
    "-hide_banner",
    "-v",
    "warning",
    "-protocol_whitelist",
    "file",
    "-format_whitelist",
    FORMATS,
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
];
/// Formats that are opened. Playlists and other formats that name further files are not among them.
const FORMATS: &str = "aa,aac,aax,ac3,aiff,amr,ape,asf,au,avi,caf,codec2,dsf,dts,dtshd,dv,eac3,flac,flv,g722,g723_1,\
    g726,g729,gsm,gxf,iff,ilbc,ircam,loas,lxf,matroska,webm,mlp,mmf,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,\
    mxf,nistsphere,nsv,nut,nuv,ogg,oma,pvf,qcp,rm,sbc,sds,shn,sln,sox,spdif,swf,tak,truehd,tta,voc,vqf,w64,wav,wsd,\
    wv,xwma";
/// Warning of ffprobe about a length that it extrapolates.
const ESTIMATE: &str = "Estimating duration from bitrate";
/// Maximum number of bytes of a version that are kept.
const MAX_VERSION: usize = 64;

/// The program, after it has told its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ffprobe {
    program: PathBuf,
    version: String,
    withheld: Vec<String>,
}

impl Ffprobe {
    /// Asks the program for its version. `withheld` names the environment variables to remove from its environment.
    ///
    /// # Errors
    /// If it cannot be run, or is another program.
    pub async fn new(program: &Path, withheld: Vec<String>) -> Result<Self, CaptureError> {
        let call = Invocation {
            program: program.to_owned(),
            arguments: vec!["-version".into()],
            withheld,
        };
        let answer = capture(&call, &BOUNDS).await?;
        let Some(version) = version(&answer.stdout) else {
            return Err(CaptureError::Failed(ProgramError {
                status: Some(0),
                reason: "it does not say the version of ffprobe".to_owned(),
            }));
        };
        Ok(Self {
            version,
            program: call.program,
            withheld: call.withheld,
        })
    }

    /// Returns its path.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns its version: printable ASCII.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks for the length of the first sound track of a file, given by its absolute path.
    ///
    /// # Errors
    /// If ffprobe cannot be started, exceeds its bounds, or cannot read the file.
    pub async fn length(&self, path: &Path) -> Result<Length, CaptureError> {
        let mut input = OsString::from("file:");
        input.push(path);
        let arguments = ARGUMENTS.iter().map(OsStr::new).chain([OsStr::new("-i")]);
        let mut arguments: Vec<_> = arguments.map(OsStr::to_owned).collect();
        arguments.push(input);
        let call = Invocation {
            program: self.program.clone(),
            arguments,
            withheld: self.withheld.clone(),
        };
        let answer = capture(&call, &BOUNDS).await?;
        let seconds = seconds(&answer.stdout);
        let length = match answer.stderr.contains(ESTIMATE) {
            true => seconds.map(Length::Estimated),
            false => seconds.map(Length::Exact),
        };
        Ok(length.unwrap_or_default().if_plausible(MAX_LENGTH_S))
    }
}

fn version(answer: &[u8]) -> Option<String> {
    let answer = std::str::from_utf8(answer).ok()?;
    let version = answer
        .strip_prefix("ffprobe version ")?
        .split_whitespace()
        .next()?;
    let is_plain = version.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| version.chars().take(MAX_VERSION).collect())
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

    #[test]
    fn the_version_is_the_third_word() {
        let answer = b"ffprobe version 5.1.9-0+deb12u1 Copyright (c) 2007-2026\n";
        assert_eq!(version(answer), Some("5.1.9-0+deb12u1".to_owned()));
        assert_eq!(version(b"ffmpeg version 5.1"), None);
        assert_eq!(version(b"ffprobe version "), None);
        assert_eq!(version("ffprobe version ü".as_bytes()), None);
    }
}
