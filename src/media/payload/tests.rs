//! The same sound in several containers, made by `scripts/make-test-sounds`.

use super::Payload;
use crate::domain::RecordingHash;
use crate::media::recording_hash::{key_of_file, locate, of_bytes};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds")
}

fn sound(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// All recordings, by name.
fn sounds() -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let recordings = names.filter(|name| name != "packets");
    recordings
        .map(|name| (name.clone(), sound(&name)))
        .collect()
}

fn located(name: &str, bytes: &[u8]) -> Option<Payload> {
    locate(Cursor::new(bytes), bytes.len() as u64, Path::new(name)).unwrap()
}

fn hash(name: &str, bytes: &[u8]) -> RecordingHash {
    of_bytes(bytes, located(name, bytes).as_ref())
}

fn sound_hash(name: &str, bytes: &[u8]) -> Option<String> {
    hash(name, bytes).sound
}

/// Returns the sound in a file that is read in pieces, or `None` if it cannot be told from the rest.
fn packets(payload: &Payload, bytes: &[u8], piece: usize) -> Option<Vec<u8>> {
    let (mut reader, mut packets) = (payload.reader(), Vec::new());
    for piece in bytes.chunks(piece) {
        let mut collect = |part: &[u8]| packets.extend_from_slice(part);
        reader.push(piece, &mut collect).ok()?;
    }
    reader.is_complete().then_some(packets)
}

#[test]
fn the_packets_are_those_that_ffmpeg_reads() {
    let listed = fs::read_to_string(folder().join("packets")).unwrap();
    for line in listed.lines() {
        let (expected, name) = line.split_once(' ').unwrap();
        let bytes = sound(name);
        let payload = located(name, &bytes).unwrap_or_else(|| panic!("{name}"));
        let found = packets(&payload, &bytes, usize::MAX).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(hex::encode(Sha256::digest(&found)), expected, "{name}");
    }
}

type HashAndKey = (Option<String>, Option<String>);

#[test]
fn the_same_sound_is_equal_in_all_containers() {
    let mut groups: BTreeMap<String, BTreeSet<HashAndKey>> = BTreeMap::new();
    for (name, bytes) in sounds() {
        // The letters before the container and the variant, such as `pcm-big`.
        let group = name.split(['.', '-']).next().unwrap();
        let group = if name.contains("-big") { "big" } else { group };
        let hash = sound_hash(&name, &bytes);
        let key = key_of_file(&folder().join(&name)).unwrap();
        let found = (hash, key.map(|key| key.head));
        groups.entry(group.to_owned()).or_default().insert(found);
    }
    let two = groups.remove("two").unwrap();
    assert_eq!(two, BTreeSet::from([(None, None)]));
    let kinds = [
        "aac", "ac3", "big", "flac", "mp3", "opus", "pcm", "vorbis", "wma",
    ];
    assert_eq!(
        groups.keys().collect::<Vec<_>>(),
        kinds.iter().collect::<Vec<_>>()
    );
    for (group, found) in &groups {
        assert_eq!(found.len(), 1, "{group}: {found:?}");
    }
    let all: Vec<_> = groups.values().flatten().collect();
    let hashes: BTreeSet<_> = all.iter().map(|(hash, _)| hash.as_deref()).collect();
    let keys: BTreeSet<_> = all.iter().map(|(_, key)| key.as_deref()).collect();
    assert_eq!((hashes.len(), keys.len()), (kinds.len(), kinds.len()));
    assert!(!hashes.contains(&None) && !keys.contains(&None));
}

#[test]
fn the_sound_does_not_depend_on_the_pieces_that_are_read() {
    for (name, bytes) in sounds() {
        let Some(payload) = located(&name, &bytes) else {
            continue;
        };
        let whole = packets(&payload, &bytes, usize::MAX);
        for piece in [1, 2, 7, 100, 1000] {
            assert_eq!(packets(&payload, &bytes, piece), whole, "{name} in {piece}");
        }
    }
}

#[test]
fn a_file_without_its_end_is_never_equal() {
    for (name, bytes) in sounds() {
        let whole = sound_hash(&name, &bytes);
        for part in [1, 2, 3] {
            let cut = &bytes[..bytes.len() * part / 4];
            let hash = sound_hash(&name, cut);
            assert!(hash.is_none() || hash != whole, "{name} {part}/4");
        }
    }
}

/// Replaces `bytes` at a distance after the only `mark`.
fn patched(name: &str, mark: &[u8], distance: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = sound(name);
    let mut found = file
        .windows(mark.len())
        .enumerate()
        .filter(|(_, there)| *there == mark);
    let at = found.next().unwrap().0 + distance;
    assert!(found.next().is_none(), "{name}");
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn what_may_sound_different_has_no_sound_hash() {
    let start = |start: u32| patched("aac.m4a", b"elst", 16, &start.to_be_bytes());
    let duration = |ms: u32| patched("aac.m4a", b"elst", 12, &ms.to_be_bytes());
    let rate = |rate: u16| patched("aac.m4a", b"elst", 20, &rate.to_be_bytes());
    let adts = sound("aac.aac");
    let mut other_rate = adts.clone();
    other_rate[2] ^= 4;
    for (what, name, bytes) in [
        ("a later start", "a.m4a", start(8_000)),
        ("an earlier end", "a.m4a", duration(10)),
        ("another speed", "a.m4a", rate(2)),
        (
            "encryption",
            "a.m4a",
            patched("aac.m4a", b"mp4a", 0, b"enca"),
        ),
        (
            "another file",
            "a.m4a",
            patched("aac.m4a", b"url ", 4, &[0; 4]),
        ),
        ("two tracks", "a.m4a", sound("two-tracks.m4a")),
        (
            "a chain",
            "a.opus",
            [sound("opus.opus"), sound("opus-tags.opus")].concat(),
        ),
        (
            "a second file",
            "a.mka",
            [sound("aac.mka"), sound("aac.mka")].concat(),
        ),
        ("another rate", "a.aac", [adts, other_rate].concat()),
        ("no sound", "a.wav", sound("pcm.wav")[..78].to_vec()),
    ] {
        assert_eq!(sound_hash(name, &bytes), None, "{what}");
    }
}

#[test]
fn the_same_bytes_in_another_format_are_another_sound() {
    let wav = sound("pcm.wav");
    let whole = sound_hash("a.wav", &wav);
    assert!(whole.is_some());
    // Channels, rate and bits in the format chunk.
    for (at, value) in [(22, 2), (24, 0x40), (34, 8)] {
        let mut other = wav.clone();
        other[at] = value;
        let hash = sound_hash("a.wav", &other);
        assert!(hash.is_some() && hash != whole, "{at}");
    }
    let other = patched("aac.m4a", b"esds", 39, &[0x12, 0x08]);
    let (hash, whole) = (
        sound_hash("a.m4a", &other),
        sound_hash("a.m4a", &sound("aac.m4a")),
    );
    assert!(hash.is_some() && hash != whole);
}

#[test]
fn a_changed_packet_is_another_sound() {
    for (name, bytes) in sounds() {
        let Some(payload) = located(&name, &bytes) else {
            continue;
        };
        let all = packets(&payload, &bytes, usize::MAX).unwrap();
        let (last, whole) = (&all[all.len() - 40..], sound_hash(&name, &bytes));
        let at = bytes.windows(40).rposition(|there| there == last);
        let Some(at) = at else {
            // The last packets are smaller.
            continue;
        };
        let mut changed = bytes.clone();
        changed[at + 20] ^= 1;
        assert_ne!(sound_hash(&name, &changed), whole, "{name}");
    }
}

/// An MP3 of frames at 64 kbit/s, each filled with its number.
fn mp3(frames: usize) -> Vec<u8> {
    let frame = |number| [&[0xff, 0xfb, 0x50, 0xc4][..], &[number; 204]].concat();
    (0..frames).flat_map(|number| frame(number as u8)).collect()
}

#[test]
fn tags_at_the_end_of_an_mp3_are_not_sound() {
    let ape = |flags: u32| {
        let numbers = [2_000, 40, 1, flags, 0, 0].map(u32::to_le_bytes);
        [b"APETAGEX", numbers.as_flattened()].concat()
    };
    let item = [7; 8];
    let (header, footer) = (ape(0xa000_0000), ape(0x8000_0000));
    let id3v1 = [&b"TAG"[..], &[b'x'; 125]].concat();
    let id3v2 = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0; 256]].concat();
    let bare = mp3(100);
    let tagged = [&id3v2[..], &bare, &header, &item, &footer, &id3v1].concat();
    let whole = sound_hash("a.mp3", &bare);
    assert!(whole.is_some());
    assert_eq!(sound_hash("a.mp3", &tagged), whole);
    assert_ne!(sound_hash("a.mp3", &mp3(99)), whole);
}

#[test]
fn the_key_needs_only_the_start_of_a_large_file() {
    let files = tempfile::tempdir().unwrap();
    let key = |name: &str, bytes: &[u8]| {
        let path = files.path().join(name);
        fs::write(&path, bytes).unwrap();
        key_of_file(&path).unwrap().unwrap()
    };
    let long = mp3(2_000);
    let mut other_end = long.clone();
    *other_end.last_mut().unwrap() ^= 1;
    let own = key("a.mp3", &long);
    assert_eq!(key("b.mp3", &other_end), own);
    assert_ne!(sound_hash("a.mp3", &other_end), sound_hash("a.mp3", &long));
    let longer = key("c.mp3", &mp3(2_100));
    assert_eq!(longer.head, own.head);
    assert!(!longer.may_equal(&own));
}

proptest! {
    #[test]
    fn damage_causes_no_panic_and_no_endless_walk(
        number in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        piece in 1..3_000_usize,
    ) {
        let sounds: Vec<_> = sounds().into_iter().collect();
        let (name, mut bytes) = sounds[number.index(sounds.len())].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(payload) = located(&name, &bytes) {
            let in_pieces = packets(&payload, &bytes, piece);
            prop_assert_eq!(in_pieces, packets(&payload, &bytes, usize::MAX));
        }
    }
}
