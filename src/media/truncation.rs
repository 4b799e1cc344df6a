//! Detection of truncated recordings, such as interrupted copies and downloads.
//!
//! A file counts as truncated only if its own container proves it.

use std::io::{self, Read, Seek, SeekFrom};

/// Maximum number of chunks or boxes that are searched. No recording has more.
const MAX_PARTS: usize = 10_000;
/// Tolerance for a declared size, in bytes. Some recorders miscount padding by about a byte.
const SLACK_BYTES: u64 = 8;

/// Returns how the recording is truncated.
///
/// Returns `None` if it is complete or if its container cannot prove anything. `len` is the size of the file in bytes,
/// `head` its first bytes.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(super) fn find_truncation(
    file: &mut (impl Read + Seek),
    head: &[u8],
    len: u64,
) -> io::Result<Option<String>> {
    match (head.get(..4), head.get(8..12)) {
        (Some(b"RIFF"), Some(b"WAVE")) => chunks(file, len, u32::from_le_bytes, b"data"),
        (Some(b"FORM"), Some(b"AIFF" | b"AIFC")) => chunks(file, len, u32::from_be_bytes, b"SSND"),
        _ if head.get(4..8) == Some(b"ftyp") => boxes(file, len),
        _ => Ok(None),
    }
}

fn missing_audio(declared: u64, actual: u64) -> Option<String> {
    (declared > actual + SLACK_BYTES)
        .then(|| format!("the header declares {declared} bytes of audio, the file has {actual}"))
}

/// Searches the chunks of a RIFF or IFF file. A chunk is an ID, a size and that many bytes, padded to an even size.
fn chunks(
    file: &mut (impl Read + Seek),
    len: u64,
    read_size: fn([u8; 4]) -> u32,
    audio_id: &[u8; 4],
) -> io::Result<Option<String>> {
    let mut at = 12;
    for _ in 0..MAX_PARTS {
        if at + 8 > len {
            return Ok(Some("it ends before the audio".to_owned()));
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut id, mut size) = ([0; 4], [0; 4]);
        file.read_exact(&mut id)?;
        file.read_exact(&mut size)?;
        let size = read_size(size);
        if &id == audio_id {
            // Recorders that stream do not know the size in advance and write one of these values.
            let unknown = size == 0 || size >= 0x7fff_f000;
            return Ok(if unknown {
                None
            } else {
                missing_audio(size.into(), len - at - 8)
            });
        }
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    Ok(None)
}

/// Searches the boxes of an MP4 file. A box is a size that includes itself, a type and the content. Without a `moov` box
/// the audio cannot be located.
fn boxes(file: &mut (impl Read + Seek), len: u64) -> io::Result<Option<String>> {
    let (mut at, mut has_index) = (0, false);
    for _ in 0..MAX_PARTS {
        if at + 8 > len {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut size, mut kind) = ([0; 4], [0; 4]);
        file.read_exact(&mut size)?;
        file.read_exact(&mut kind)?;
        has_index |= &kind == b"moov";
        let size = match u32::from_be_bytes(size) {
            0 => len - at,
            1 if at + 16 <= len => {
                let mut large = [0; 8];
                file.read_exact(&mut large)?;
                u64::from_be_bytes(large)
            }
            size => size.into(),
        };
        if matches!(&kind, b"mdat" | b"moov")
            && let Some(reason) = missing_audio(size, len - at)
        {
            return Ok(Some(reason));
        }
        if size < 8 {
            break;
        }
        at = at.saturating_add(size).min(len);
    }
    Ok((!has_index).then(|| "the index (moov) is missing".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn truncation(bytes: &[u8]) -> Option<String> {
        find_truncation(&mut Cursor::new(bytes), bytes, bytes.len() as u64).unwrap()
    }

    fn wav(declared: u32, actual: usize) -> Vec<u8> {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        wav.extend([0; 16]);
        wav.extend(b"LIST\x03\0\0\0abc\0data");
        wav.extend(declared.to_le_bytes());
        wav.extend(vec![7; actual]);
        wav
    }

    fn make_box(kind: &[u8; 4], size: u32, actual: usize) -> Vec<u8> {
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(vec![0; actual]);
        bytes
    }

    #[test]
    fn a_wav_with_all_its_audio_is_complete() {
        assert_eq!(truncation(&wav(100, 100)), None);
        assert_eq!(truncation(&wav(100, 150)), None);
        assert_eq!(truncation(&wav(100, 99)), None);
        assert_eq!(
            truncation(&wav(100, 50)).unwrap(),
            "the header declares 100 bytes of audio, the file has 50"
        );
        assert_eq!(
            truncation(&wav(100, 0)[..40]).unwrap(),
            "it ends before the audio"
        );
    }

    #[test]
    fn a_wav_of_unknown_size_is_accepted() {
        for unknown in [0, u32::MAX, 0x7fff_ffff] {
            assert_eq!(truncation(&wav(unknown, 50)), None);
        }
    }

    #[test]
    fn an_mp4_needs_its_index_and_all_its_audio() {
        let (start, index) = (make_box(b"ftyp", 16, 8), make_box(b"moov", 12, 4));
        let audio = |actual| make_box(b"mdat", 108, actual);
        assert_eq!(
            truncation(&[start.clone(), index.clone(), audio(100)].concat()),
            None
        );
        assert_eq!(
            truncation(&[start.clone(), audio(100), index.clone()].concat()),
            None
        );
        assert_eq!(
            truncation(&[start.clone(), audio(100)].concat()).unwrap(),
            "the index (moov) is missing"
        );
        let reason = truncation(&[start.clone(), index.clone(), audio(50)].concat()).unwrap();
        assert_eq!(
            reason,
            "the header declares 108 bytes of audio, the file has 58"
        );
        assert_eq!(
            truncation(&[start, index, make_box(b"mdat", 0, 50)].concat()),
            None
        );
    }

    #[test]
    fn an_impossible_box_size_ends_the_search() {
        let mut claim = make_box(b"free", 1, 0);
        claim.extend(u64::MAX.to_be_bytes());
        let (start, index) = (make_box(b"ftyp", 16, 8), make_box(b"moov", 12, 4));
        assert_eq!(
            truncation(&[start.clone(), claim.clone()].concat()).unwrap(),
            "the index (moov) is missing"
        );
        assert_eq!(truncation(&[start, index, claim].concat()), None);
    }

    #[test]
    fn unknown_containers_are_accepted() {
        assert_eq!(truncation(b"OggS\0\x02"), None);
        assert_eq!(truncation(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_cause_a_panic(kind in 0..3_usize, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let start: &[u8] = [&b"RIFF\0\0\0\0WAVE"[..], b"FORM\0\0\0\0AIFF", b"\0\0\0\x08ftyp"][kind];
            let _ = truncation(&[start, &bytes].concat());
        }
    }
}
