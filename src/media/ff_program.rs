//! A program of the ffmpeg project, which reads recordings.
//!
//! It gets the path as one argument with the protocol `file:`, so that no name is an option or an address. It opens no
//! other file and no network.

use crate::runtime::subprocess::{
    Bounds, CaptureError, Captured, Invocation, ProgramError, capture,
};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of the input. Values are in bytes.
pub(super) const INPUT_OPTIONS: [&str; 4] =
    ["-protocol_whitelist", "file", "-format_whitelist", FORMATS];
/// Formats that are opened. Playlists and other formats that name further files are not among them.
const FORMATS: &str = "aa,aac,aax,ac3,aiff,amr,ape,asf,au,avi,caf,codec2,dsf,dts,dtshd,dv,eac3,flac,flv,g722,g723_1,\
    g726,g729,gsm,gxf,iff,ilbc,ircam,loas,lxf,matroska,webm,mlp,mmf,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,\
    mxf,nistsphere,nsv,nut,nuv,ogg,oma,pvf,qcp,rm,sbc,sds,shn,sln,sox,spdif,swf,tak,truehd,tta,voc,vqf,w64,wav,wsd,\
    wv,xwma";
/// Bounds of a call that only reads. A recording takes a fraction of a second, and the libraries 300 MB of address space.
pub(super) const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(30),
    output_bytes: 64 * 1024,
    memory_bytes: 1 << 30,
    file_bytes: 1 << 20,
};
/// Maximum number of bytes of a version that are kept.
const MAX_VERSION: usize = 64;

/// The program, after it has told its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FfProgram {
    program: PathBuf,
    version: String,
    withheld: Vec<String>,
}

impl FfProgram {
    /// Asks the program for its version. `name` is the one that it must give itself. `withheld` names the environment
    /// variables to remove from its environment.
    ///
    /// # Errors
    /// If it cannot be run, or is another program.
    pub(super) async fn new(
        name: &str,
        program: &Path,
        withheld: Vec<String>,
    ) -> Result<Self, CaptureError> {
        let call = Invocation {
            program: program.to_owned(),
            arguments: vec!["-version".into()],
            withheld,
        };
        let answer = capture(&call, &BOUNDS).await?;
        let Some(version) = version(name, &answer.stdout) else {
            return Err(CaptureError::Failed(ProgramError {
                status: Some(0),
                reason: format!("it does not say the version of {name}"),
            }));
        };
        Ok(Self {
            version,
            program: call.program,
            withheld: call.withheld,
        })
    }

    /// Returns its path.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Returns its version: printable ASCII.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Runs it within bounds.
    ///
    /// # Errors
    /// If it cannot be started, exceeds its bounds, or does not exit with 0.
    pub(super) async fn call(
        &self,
        arguments: Vec<OsString>,
        bounds: &Bounds,
    ) -> Result<Captured, CaptureError> {
        let call = Invocation {
            program: self.program.clone(),
            arguments,
            withheld: self.withheld.clone(),
        };
        capture(&call, bounds).await
    }
}

/// Returns a path as an argument.
pub(super) fn file(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

/// Returns words as arguments.
pub(super) fn words<'a>(words: &'a [&str]) -> impl Iterator<Item = OsString> + use<'a> {
    words.iter().map(|word| OsStr::new(word).to_owned())
}

fn version(name: &str, answer: &[u8]) -> Option<String> {
    let answer = std::str::from_utf8(answer).ok()?;
    let version = answer
        .strip_prefix(name)?
        .strip_prefix(" version ")?
        .split_whitespace()
        .next()?;
    let is_plain = version.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| version.chars().take(MAX_VERSION).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_third_word() {
        let answer = b"ffprobe version 5.1.9-0+deb12u1 Copyright (c) 2007-2026\n";
        let version = |answer: &[u8]| version("ffprobe", answer);
        assert_eq!(version(answer), Some("5.1.9-0+deb12u1".to_owned()));
        assert_eq!(version(b"ffmpeg version 5.1"), None);
        assert_eq!(version(b"ffprobe version "), None);
        assert_eq!(version("ffprobe version ü".as_bytes()), None);
    }
}
