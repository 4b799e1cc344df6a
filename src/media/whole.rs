//! Whether a recording was cut short: a copy that broke off, a download that ended early. Only what the container
//! itself proves counts.

use std::io::{self, Read, Seek, SeekFrom};

/// More chunks or boxes than this are no recording's.
const MOST_PARTS: usize = 10_000;
/// Recorders are known to miscount by a byte of padding or so.
const SLACK: u64 = 8;

/// How the recording is cut short; `None` if it is whole, or if its container does not say. `len` is its length in
/// bytes, `head` its first ones.
///
/// # Errors
/// If it cannot be read.
pub(super) fn cut_short(
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

fn promised(promised: u64, there: u64) -> Option<String> {
    (promised > there + SLACK)
        .then(|| format!("its header promises {promised} bytes of sound, {there} are there"))
}

/// RIFF and IFF: an id, a size, that many bytes, padded to an even number.
fn chunks(
    file: &mut (impl Read + Seek),
    len: u64,
    number: fn([u8; 4]) -> u32,
    sound: &[u8; 4],
) -> io::Result<Option<String>> {
    let mut at = 12;
    for _ in 0..MOST_PARTS {
        if at + 8 > len {
            return Ok(Some("it ends before any sound".to_owned()));
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut id, mut size) = ([0; 4], [0; 4]);
        file.read_exact(&mut id)?;
        file.read_exact(&mut size)?;
        let size = number(size);
        if &id == sound {
            // A recorder that streams does not know the size beforehand and writes one of these.
            let unknown = size == 0 || size >= 0x7fff_f000;
            return Ok(if unknown {
                None
            } else {
                promised(size.into(), len - at - 8)
            });
        }
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    Ok(None)
}

/// MP4: a size that counts itself, a type, the rest. Without `moov` nothing in it can be found.
fn boxes(file: &mut (impl Read + Seek), len: u64) -> io::Result<Option<String>> {
    let (mut at, mut index) = (0, false);
    for _ in 0..MOST_PARTS {
        if at + 8 > len {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut size, mut kind) = ([0; 4], [0; 4]);
        file.read_exact(&mut size)?;
        file.read_exact(&mut kind)?;
        index |= &kind == b"moov";
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
            && let Some(cut) = promised(size, len - at)
        {
            return Ok(Some(cut));
        }
        if size < 8 {
            break;
        }
        at = at.saturating_add(size).min(len);
    }
    Ok((!index).then(|| "its index (moov) is missing".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn says(bytes: &[u8]) -> Option<String> {
        cut_short(&mut Cursor::new(bytes), bytes, bytes.len() as u64).unwrap()
    }

    fn wav(promised: u32, there: usize) -> Vec<u8> {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        wav.extend([0; 16]);
        wav.extend(b"LIST\x03\0\0\0abc\0data");
        wav.extend(promised.to_le_bytes());
        wav.extend(vec![7; there]);
        wav
    }

    fn part(kind: &[u8; 4], size: u32, there: usize) -> Vec<u8> {
        let mut part = size.to_be_bytes().to_vec();
        part.extend(kind);
        part.extend(vec![0; there]);
        part
    }

    #[test]
    fn a_wav_is_whole_when_its_sound_is_there() {
        assert_eq!(says(&wav(100, 100)), None);
        assert_eq!(says(&wav(100, 150)), None);
        assert_eq!(says(&wav(100, 99)), None);
        assert_eq!(
            says(&wav(100, 50)).unwrap(),
            "its header promises 100 bytes of sound, 50 are there"
        );
        assert_eq!(
            says(&wav(100, 0)[..40]).unwrap(),
            "it ends before any sound"
        );
    }

    #[test]
    fn a_wav_of_unknown_length_is_a_stream() {
        for unknown in [0, u32::MAX, 0x7fff_ffff] {
            assert_eq!(says(&wav(unknown, 50)), None);
        }
    }

    #[test]
    fn an_mp4_needs_its_index_and_all_of_its_sound() {
        let (start, index) = (part(b"ftyp", 16, 8), part(b"moov", 12, 4));
        let sound = |there| part(b"mdat", 108, there);
        assert_eq!(
            says(&[start.clone(), index.clone(), sound(100)].concat()),
            None
        );
        assert_eq!(
            says(&[start.clone(), sound(100), index.clone()].concat()),
            None
        );
        assert_eq!(
            says(&[start.clone(), sound(100)].concat()).unwrap(),
            "its index (moov) is missing"
        );
        let cut = says(&[start.clone(), index.clone(), sound(50)].concat()).unwrap();
        assert_eq!(cut, "its header promises 108 bytes of sound, 58 are there");
        assert_eq!(says(&[start, index, part(b"mdat", 0, 50)].concat()), None);
    }

    #[test]
    fn a_box_that_claims_more_than_any_file_has_ends_the_search() {
        let mut claim = part(b"free", 1, 0);
        claim.extend(u64::MAX.to_be_bytes());
        let (start, index) = (part(b"ftyp", 16, 8), part(b"moov", 12, 4));
        assert_eq!(
            says(&[start.clone(), claim.clone()].concat()).unwrap(),
            "its index (moov) is missing"
        );
        assert_eq!(says(&[start, index, claim].concat()), None);
    }

    #[test]
    fn what_the_container_does_not_say_is_let_through() {
        assert_eq!(says(b"OggS\0\x02"), None);
        assert_eq!(says(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0..3_usize, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let start: &[u8] = [&b"RIFF\0\0\0\0WAVE"[..], b"FORM\0\0\0\0AIFF", b"\0\0\0\x08ftyp"][kind];
            let _ = says(&[start, &bytes].concat());
        }
    }
}
