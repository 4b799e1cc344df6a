//! Copies of the sound track of a video, made by ffmpeg. The packets are copied as they are.
//!
//! A copy must have the time line of the whole file, whatever reads it. Only what was compared is copied: codecs whose copy
//! decodes to the same samples, and sound that starts with the file. `scripts/sound-copies` makes the comparison.

use super::ff_program::{BOUNDS, FfProgram, INPUT_OPTIONS, file, words};
use super::inspect::{Inspection, Truncated, inspect};
use super::sound::Length;
use crate::domain::container::mime_for;
use crate::runtime::subprocess::{Bounds, CaptureError};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Arguments before the input.
const FIRST: [&str; 4] = ["-nostdin", "-hide_banner", "-v", "error"];
/// Arguments that list the packets of the first tenth of a second of the first video and sound track, with their codecs.
/// Pictures such as covers are not video (`V`).
const LIST_PACKETS: [&str; 11] = [
    "-map", "0:V:0?", "-map", "0:a:0", "-c", "copy", "-t", "0.1", "-f", "framecrc", "pipe:1",
];
/// Arguments that list the packets of the first tenth of a second of the first sound track, with its codec.
const LIST_SOUND: [&str; 9] = [
    "-map", "0:a:0", "-c", "copy", "-t", "0.1", "-f", "framecrc", "pipe:1",
];
/// Arguments that copy the first sound track, without tags and chapters.
const COPY: [&str; 11] = [
    "-map",
    "0:a:0",
    "-c",
    "copy",
    "-map_metadata",
    "-1",
    "-map_chapters",
    "-1",
    "-fflags",
    "+bitexact",
    "-f",
];
/// Latest start of the sound after the start of the file, in seconds. A reader may leave out what is before the sound.
const MAX_START_S: f64 = 0.02;
/// Largest difference between the lengths of the copy and of the sound track, in seconds.
const MAX_DIFFERENCE_S: f64 = 0.25;
/// Time limit of a copy, in addition to the time to read the file at [`MIN_RATE`].
const MIN_TIME: Duration = Duration::from_secs(60);
/// Lowest expected rate of reading the file, in bytes per second.
const MIN_RATE: u64 = 4 << 20;

/// Format of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// MP4 with sound only.
    M4a,
    /// WebM with sound only.
    WebM,
    /// Matroska with sound only.
    Matroska,
}

impl CopyFormat {
    /// Returns the format for a track, if its copy has the same time line.
    fn of(track: &Track) -> Option<Self> {
        if track.start_s > MAX_START_S {
            return None;
        }
        match track.codec.as_str() {
            // The index states what is left out at the start.
            "aac" | "alac" | "ac3" | "eac3" => Some(Self::M4a),
            // The codec states it, for less than a packet.
            "opus" | "vorbis" if track.start_s >= -MAX_START_S => Some(Self::WebM),
            // Matroska has no times before zero.
            "flac" | "mp2" | "mp3" | "pcm_s16le" | "pcm_s16be" | "pcm_s24le" | "pcm_f32le"
            | "pcm_mulaw" | "wmav2"
                if track.start_s >= 0.0 =>
            {
                Some(Self::Matroska)
            }
            _ => None,
        }
    }

    /// Returns the format in which browsers play the sound of a list of packets.
    fn played(list: &[u8]) -> Option<Self> {
        let list = std::str::from_utf8(list).ok()?;
        match list
            .lines()
            .find_map(|line| line.strip_prefix("#codec_id 0: "))?
        {
            "aac" | "mp3" | "flac" => Some(Self::M4a),
            "opus" | "vorbis" => Some(Self::WebM),
            _ => None,
        }
    }

    /// Returns the extension of a copy.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::M4a => "m4a",
            Self::WebM => "webm",
            Self::Matroska => "mka",
        }
    }

    /// Returns ffmpeg's name of the format.
    const fn muxer(self) -> &'static str {
        match self {
            Self::M4a => "mp4",
            Self::WebM => "webm",
            Self::Matroska => "matroska",
        }
    }
}

/// Whether a file may be a video, by its name.
#[must_use]
pub fn may_be_video(path: &Path) -> bool {
    mime_for(path).starts_with("video/")
}

/// ffmpeg, after it has told its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ffmpeg(FfProgram);

impl Ffmpeg {
    /// Asks the program for its version. `withheld` names the environment variables to remove from its environment.
    ///
    /// # Errors
    /// If it cannot be run, or is another program.
    pub async fn new(program: &Path, withheld: Vec<String>) -> Result<Self, CaptureError> {
        FfProgram::new("ffmpeg", program, withheld).await.map(Self)
    }

    /// Returns its version: printable ASCII.
    #[must_use]
    pub fn version(&self) -> &str {
        self.0.version()
    }

    /// Returns the format in which the first sound track of a file can be copied. `None` if the file has no video, or a
    /// copy may have another time line. `path` is absolute.
    ///
    /// # Errors
    /// If ffmpeg cannot be started, exceeds its bounds, or cannot read the file.
    pub async fn copy_format(&self, path: &Path) -> Result<Option<CopyFormat>, CaptureError> {
        let packets = self.0.call(arguments(path, &LIST_PACKETS), &BOUNDS).await?;
        Ok(track(&packets.stdout).as_ref().and_then(CopyFormat::of))
    }

    /// Returns the format in which browsers play a copy of the first sound track of a file. `None` if they do not play its
    /// codec. `path` is absolute.
    ///
    /// # Errors
    /// If ffmpeg cannot be started, exceeds its bounds, or cannot read the file.
    pub async fn played_format(&self, path: &Path) -> Result<Option<CopyFormat>, CaptureError> {
        let packets = self.0.call(arguments(path, &LIST_SOUND), &BOUNDS).await?;
        Ok(CopyFormat::played(&packets.stdout))
    }

    /// Copies the first sound track of a file of `size_bytes` into the new file `copy`, of at most `max_bytes`. Both paths
    /// are absolute. After an error or a crash, `copy` may exist and is incomplete.
    ///
    /// # Errors
    /// If ffmpeg cannot be started, exceeds its bounds, or cannot copy the track.
    pub async fn copy(
        &self,
        path: &Path,
        size_bytes: u64,
        format: CopyFormat,
        copy: &Path,
        max_bytes: u64,
    ) -> Result<(), CaptureError> {
        let mut arguments = arguments(path, &[&COPY[..], &[format.muxer()]].concat());
        arguments.push(file(copy));
        let bounds = Bounds {
            time: MIN_TIME + Duration::from_secs(size_bytes / MIN_RATE),
            file_bytes: max_bytes,
            ..BOUNDS
        };
        self.0.call(arguments, &bounds).await.map(|_| ())
    }
}

fn arguments(path: &Path, last: &[&str]) -> Vec<std::ffi::OsString> {
    let first = [&FIRST[..], &INPUT_OPTIONS, &["-i"]].concat();
    let mut arguments: Vec<_> = words(&first).collect();
    arguments.push(file(path));
    arguments.extend(words(last));
    arguments
}

/// Whether a copy is as long as the sound track, of `length_s` seconds. ffmpeg may end early at damage without an error.
/// Blocks.
///
/// # Errors
/// If the copy cannot be read.
pub fn is_complete(copy: &Path, length_s: f64) -> io::Result<bool> {
    let file = File::open(copy)?;
    let len = file.metadata()?.len();
    let inspected = inspect(file, len, copy, Truncated::Refused)?;
    Ok(matches!(
        inspected,
        Ok(Inspection { length: Length::Exact(copied_s), .. }) if (copied_s - length_s).abs() <= MAX_DIFFERENCE_S
    ))
}

/// The first sound track of a video.
#[derive(Debug, PartialEq)]
struct Track {
    /// ffmpeg's name of the codec.
    codec: String,
    /// Time of the first packet after the start of the file, in seconds. Negative if it is left out.
    start_s: f64,
}

/// Reads a list of packets. Returns `None` without video, or if no sound starts within it.
fn track(list: &[u8]) -> Option<Track> {
    let list = std::str::from_utf8(list).ok()?;
    // Streams are numbered in the order of the arguments, so the sound follows the video.
    let property = |name: &str, stream: u32| {
        let start = format!("#{name} {stream}: ");
        list.lines().find_map(|line| line.strip_prefix(&start))
    };
    let is_video = property("media_type", 0) == Some("video");
    if !is_video || property("media_type", 1) != Some("audio") {
        return None;
    }
    let (numerator, denominator) = property("tb", 1)?.split_once('/')?;
    let unit_s = numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?;
    // Stream, decoding time, presentation time, and more.
    let packet = list.lines().find(|line| line.starts_with("1,"))?;
    let start: f64 = packet.split(',').nth(2)?.trim().parse().ok()?;
    let start_s = start * unit_s;
    start_s.is_finite().then(|| Track {
        codec: property("codec_id", 1).unwrap_or_default().to_owned(),
        start_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of ffmpeg 5.1.9.
    const LIST: &str = "#extradata 0:       44, 0x36ca0dfa\n#extradata 1:        5, 0x056101dc\n#software: Lavf59.27.100\n\
        #tb 0: 1/10240\n#media_type 0: video\n#codec_id 0: h264\n#dimensions 0: 320x240\n#sar 0: 1/1\n\
        #tb 1: 1/48000\n#media_type 1: audio\n#codec_id 1: aac\n#sample_rate 1: 48000\n\
        #channel_layout_name 1: stereo\n\
        1,      -1024,      -1024,     1024,      266, 0x9522827e, F=0x5, S=1,       10\n\
        0,          0,          0,     1024,     8237, 0x48623ee5\n";

    fn format(codec: &str, start_s: f64) -> Option<CopyFormat> {
        let codec = codec.to_owned();
        CopyFormat::of(&Track { codec, start_s })
    }

    #[test]
    fn the_sound_track_is_read_from_the_list_of_packets() {
        let expected = Track {
            codec: "aac".to_owned(),
            start_s: -1024.0 / 48000.0,
        };
        assert_eq!(track(LIST.as_bytes()), Some(expected));
    }

    #[test]
    fn a_file_without_video_or_with_late_sound_has_no_track_to_copy() {
        let sound_only = LIST.replace("video", "audio");
        let no_packet = LIST.replace("1,      -1024", "0,      -1024");
        let no_unit = LIST.replace("1/48000", "1/0");
        let one_stream = "#tb 0: 1/48000\n#media_type 0: audio\n#codec_id 0: aac\n0, 0, 0, 1024, 266, 0x9522827e\n";
        for list in [&sound_only[..], &no_packet, &no_unit, one_stream, ""] {
            assert_eq!(track(list.as_bytes()), None, "{list}");
        }
        assert_eq!(track(b"\xff"), None);
    }

    #[test]
    fn only_compared_codecs_are_copied() {
        assert_eq!(format("aac", 0.0), Some(CopyFormat::M4a));
        assert_eq!(format("opus", -0.0065), Some(CopyFormat::WebM));
        assert_eq!(format("pcm_s16le", 0.0), Some(CopyFormat::Matroska));
        for codec in ["aac_latm", "dts", "none", "", "pcm_bluray"] {
            assert_eq!(format(codec, 0.0), None, "{codec}");
        }
    }

    #[test]
    fn a_copy_for_a_player_depends_on_the_codec() {
        let list =
            |codec: &str| format!("#tb 0: 1/48000\n#media_type 0: audio\n#codec_id 0: {codec}\n");
        let played = |codec| CopyFormat::played(list(codec).as_bytes());
        assert_eq!(played("aac"), Some(CopyFormat::M4a));
        assert_eq!(played("opus"), Some(CopyFormat::WebM));
        assert_eq!(played("alac"), None);
        assert_eq!(CopyFormat::played(b""), None);
    }

    #[test]
    fn the_time_line_of_a_copy_starts_with_the_file() {
        for codec in ["aac", "opus", "mp3"] {
            assert!(format(codec, 0.02).is_some(), "{codec}");
            assert_eq!(format(codec, 0.021), None, "{codec}");
        }
        assert!(format("aac", -2.5).is_some());
        assert_eq!(format("opus", -2.5), None);
        assert_eq!(format("mp3", -0.023), None);
    }

    #[test]
    fn only_names_of_videos_are_asked_about() {
        assert!(may_be_video(Path::new("a.MOV")));
        assert!(!may_be_video(Path::new("a.m4a")));
        assert!(!may_be_video(Path::new("a.mp4.txt")));
    }
}
