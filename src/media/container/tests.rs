//! Lengths and defects of containers that are made here, each with the faults that writers and accidents leave.

use super::read;
use crate::media::input::Input;
use crate::media::sound::{Defect, Length, Sound};
use std::io::Cursor;

fn sound_of(bytes: &[u8], extension: &str) -> Sound {
    let mut source = Cursor::new(bytes);
    let mut input = Input::new(&mut source, bytes.len() as u64);
    read(&mut input, Some(extension)).unwrap()
}

#[track_caller]
fn assert_length(bytes: &[u8], extension: &str, expected: f64) {
    let sound = sound_of(bytes, extension);
    assert_eq!(sound.defect, None);
    let length = sound.length.seconds().unwrap();
    assert!(
        (length / expected - 1.0).abs() < 0.02,
        "{length} is not {expected}"
    );
}

#[track_caller]
fn assert_truncated(bytes: &[u8], extension: &str) {
    let sound = sound_of(bytes, extension);
    assert!(
        matches!(sound.defect, Some(Defect::Truncated(_))),
        "{sound:?}"
    );
}

fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

/// Ten seconds of 8 kHz mono in 16 bits.
const TEN_SECONDS: u32 = 160_000;

fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|n| (n * 7 % 251) as u8).collect()
}

fn wave_format() -> Vec<u8> {
    [
        &b"\x01\0\x01\0"[..],
        &8_000_u32.to_le_bytes(),
        &16_000_u32.to_le_bytes(),
        b"\x02\0\x10\0",
    ]
    .concat()
}

fn wav(declared: u32) -> Vec<u8> {
    [
        &b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"[..],
        &wave_format(),
        b"LIST\x03\0\0\0abc\0data",
        &declared.to_le_bytes(),
        &noise(TEN_SECONDS),
    ]
    .concat()
}

#[test]
fn a_wav_ends_with_the_file_or_its_declared_size() {
    for placeholder in [
        0,
        0x7fff_0000,
        0x7fff_efff,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ] {
        assert_length(&wav(placeholder), "wav", 10.0);
    }
    assert_length(&wav(TEN_SECONDS), "wav", 10.0);
    assert_length(&wav(TEN_SECONDS / 2), "wav", 5.0);
    assert_truncated(half(&wav(TEN_SECONDS)), "wav");
    assert_truncated(&wav(TEN_SECONDS)[..30], "wav");
    assert_truncated(&wav(0xb000_0000), "wav");
}

#[test]
fn a_header_alone_has_no_sound() {
    let header = &wav(0)[..56];
    assert!(matches!(
        sound_of(header, "wav").defect,
        Some(Defect::Silent(_))
    ));
}

#[test]
fn large_wav_forms_have_a_size_of_64_bits() {
    let large = |start: &[u8], declared: u64| {
        [
            start,
            b"\xff\xff\xff\xffWAVEds64\x1c\0\0\0",
            &0_u64.to_le_bytes(),
            &declared.to_le_bytes(),
            &[0; 12],
            b"fmt \x10\0\0\0",
            &wave_format(),
            b"data\xff\xff\xff\xff",
            &noise(TEN_SECONDS),
        ]
        .concat()
    };
    for start in [b"RF64", b"BW64"] {
        for declared in [u64::from(TEN_SECONDS), 0, u64::MAX] {
            assert_length(&large(start, declared), "wav", 10.0);
        }
        assert_truncated(half(&large(start, TEN_SECONDS.into())), "wav");
    }
    let guid = |name: &[u8]| [name, b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"].concat();
    let wave64 = |declared: u64| {
        [
            b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0".to_vec(),
            0_u64.to_le_bytes().to_vec(),
            guid(b"wave"),
            guid(b"fmt "),
            40_u64.to_le_bytes().to_vec(),
            wave_format(),
            guid(b"data"),
            declared.to_le_bytes().to_vec(),
            noise(TEN_SECONDS),
        ]
        .concat()
    };
    assert_length(&wave64(24 + u64::from(TEN_SECONDS)), "w64", 10.0);
    assert_length(&wave64(0), "w64", 10.0);
    assert_truncated(half(&wave64(24 + u64::from(TEN_SECONDS))), "w64");
}

#[test]
fn aiff_au_and_caf_may_have_unknown_sizes() {
    let aiff = |declared: u32| {
        [
            &b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\x01\0\0\0\0\0\x10\x40\x0b\xfa\0\0\0\0\0\0\0SSND"[..],
            &declared.to_be_bytes(),
            &[0; 8],
            &noise(TEN_SECONDS),
        ]
        .concat()
    };
    for size in [TEN_SECONDS + 8, 0, 0x7f00_0008] {
        assert_length(&aiff(size), "aiff", 10.0);
    }
    assert_truncated(half(&aiff(TEN_SECONDS + 8)), "aiff");
    let au = |declared: u32| {
        let fields = [24, declared, 3, 8_000, 1].map(u32::to_be_bytes);
        [&b".snd"[..], fields.as_flattened(), &noise(TEN_SECONDS)].concat()
    };
    for size in [TEN_SECONDS, 0, u32::MAX] {
        assert_length(&au(size), "au", 10.0);
    }
    assert_truncated(half(&au(TEN_SECONDS)), "au");
    let caf = |declared: i64| {
        let fields = [0_u32, 2, 1, 1, 16].map(u32::to_be_bytes);
        [
            &b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20"[..],
            &8_000_f64.to_bits().to_be_bytes(),
            b"lpcm",
            fields.as_flattened(),
            b"data",
            &declared.to_be_bytes(),
            &[0; 4],
            &noise(TEN_SECONDS),
        ]
        .concat()
    };
    for size in [i64::from(TEN_SECONDS) + 4, -1] {
        assert_length(&caf(size), "caf", 10.0);
    }
    assert_truncated(half(&caf(i64::from(TEN_SECONDS) + 4)), "caf");
}

fn mp4_box(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = (content.len() as u32 + 8).to_be_bytes();
    [&size, &kind[..], &content].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

/// An index with one track of this kind, of `samples` samples of a tenth of a second.
fn index(handler: &[u8; 4], samples: u32, more: &[u8]) -> Vec<u8> {
    let times = mp4_box(b"stts", &[&numbers(&[0, 1, samples, 100])]);
    let table = mp4_box(b"minf", &[&mp4_box(b"stbl", &[&times])]);
    let media = mp4_box(
        b"mdia",
        &[
            &mp4_box(b"mdhd", &[&numbers(&[0, 0, 0, 1000, 0])]),
            &mp4_box(b"hdlr", &[&numbers(&[0, 0]), handler, &[0; 12]]),
            &table,
        ],
    );
    let track = mp4_box(
        b"trak",
        &[&mp4_box(b"tkhd", &[&numbers(&[0, 0, 0, 7])]), &media],
    );
    // The length of the movie is the one of its longest track.
    let header = mp4_box(b"mvhd", &[&numbers(&[0, 0, 0, 1000, 900_000])]);
    mp4_box(b"moov", &[&header, &track, more])
}

fn fragment(samples: u32) -> Vec<u8> {
    let header = mp4_box(b"tfhd", &[&numbers(&[0x2_0008, 7, 100])]);
    let run = mp4_box(b"trun", &[&numbers(&[0, samples])]);
    let sound = mp4_box(b"moof", &[&mp4_box(b"traf", &[&header, &run])]);
    [sound, mp4_box(b"mdat", &[&noise(1000)])].concat()
}

#[test]
fn the_sound_track_of_an_mp4_decides() {
    let start = mp4_box(b"ftyp", &[b"M4A \0\0\0\0"]);
    let data = mp4_box(b"mdat", &[&noise(5000)]);
    let whole = [start.clone(), index(b"soun", 100, &[]), data.clone()].concat();
    assert_length(&whole, "m4a", 10.0);
    assert_length(
        &[start.clone(), data.clone(), index(b"soun", 100, &[])].concat(),
        "m4a",
        10.0,
    );
    assert_truncated(&[start.clone(), data.clone()].concat(), "m4a");
    assert_truncated(half(&whole), "m4a");
    let picture = [start, index(b"vide", 100, &[]), data].concat();
    assert!(matches!(
        sound_of(&picture, "mp4").defect,
        Some(Defect::Silent(_))
    ));
}

#[test]
fn fragments_are_added_to_the_index() {
    let start = mp4_box(b"ftyp", &[b"iso5\0\0\0\0"]);
    let extends = mp4_box(
        b"mvex",
        &[&mp4_box(b"trex", &[&numbers(&[0, 7, 1, 100, 0, 0])])],
    );
    for in_index in [0, 20] {
        let index = index(b"soun", in_index, &extends);
        let parts: Vec<_> = (0..4).map(|_| fragment(20)).collect();
        let whole = [start.clone(), index, parts.concat()].concat();
        let seconds = 8.0 + f64::from(in_index) / 10.0;
        assert_length(&whole, "mp4", seconds);
        // A crash leaves the last fragment incomplete.
        assert_length(&whole[..whole.len() - 10], "mp4", seconds);
        assert_length(&whole[..whole.len() - 500], "mp4", seconds - 1.0);
    }
}

/// A page of Ogg whose sound ends at a second.
fn ogg_page(kind: u8, sequence: u32, second: u64, content: &[u8]) -> Vec<u8> {
    [
        &[b'O', b'g', b'g', b'S', 0, kind][..],
        &(48_000 * second).to_le_bytes(),
        &1_u32.to_le_bytes(),
        &sequence.to_le_bytes(),
        &[0, 0, 0, 0, 1, content.len() as u8],
        content,
    ]
    .concat()
}

#[test]
fn a_page_that_is_cut_off_is_not_sound() {
    let mut ogg = ogg_page(2, 0, 0, b"OpusHead\x01\x01\0\0");
    for sequence in 1..=10 {
        ogg.extend(ogg_page(0, sequence, sequence.into(), &noise(200)));
    }
    assert_length(&ogg, "opus", 10.0);
    assert_length(&ogg[..ogg.len() - 1], "opus", 9.0);
}

fn element(id: &[u8], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = (content.len() as u32 | 0x1000_0000).to_be_bytes();
    [id, &size, &content].concat()
}

/// A cluster with a block in each of ten seconds.
fn cluster(second: u16, has_size: bool) -> Vec<u8> {
    let mut content = element(b"\xe7", &[&(second * 1000).to_be_bytes()]);
    for offset in 0..10_u16 {
        let time = (offset * 1000).to_be_bytes();
        content.extend(element(b"\xa3", &[b"\x81", &time, b"\x80", &noise(300)]));
    }
    match has_size {
        true => element(b"\x1f\x43\xb6\x75", &[&content]),
        false => [&b"\x1f\x43\xb6\x75\xff"[..], &content].concat(),
    }
}

fn matroska(kind: u8, clusters: &[u8], has_size: bool) -> Vec<u8> {
    let track = element(
        b"\xae",
        &[&element(b"\xd7", &[b"\x01"]), &element(b"\x83", &[&[kind]])],
    );
    let content = [element(b"\x16\x54\xae\x6b", &[&track]), clusters.to_vec()].concat();
    let head = element(b"\x1a\x45\xdf\xa3", &[]);
    let segment = match has_size {
        true => element(b"\x18\x53\x80\x67", &[&content]),
        false => [
            &b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"[..],
            &content,
        ]
        .concat(),
    };
    [head, segment].concat()
}

#[test]
fn the_last_block_ends_a_matroska_file() {
    for has_size in [true, false] {
        let clusters: Vec<_> = (0..3).map(|n| cluster(10 * n, has_size)).collect();
        let whole = matroska(2, &clusters.concat(), has_size);
        assert_length(&whole, "mkv", 30.0);
        match has_size {
            true => assert_truncated(half(&whole), "mkv"),
            // A stream declares nothing. It ends where it ends.
            false => assert_length(&whole[..whole.len() - 350], "mkv", 29.0),
        }
    }
    let picture = matroska(1, &cluster(0, true), true);
    assert!(matches!(
        sound_of(&picture, "mkv").defect,
        Some(Defect::Silent(_))
    ));
}

/// Frames of MP3 with 128 kbit/s at 44.1 kHz.
fn mp3(seconds: f64) -> Vec<u8> {
    let frame = [&b"\xff\xfb\x90\x64"[..], &[0x55; 413]].concat();
    frame.repeat((seconds * 44_100.0 / 1152.0).round() as usize)
}

/// The same, with an index of its length.
fn indexed_mp3(seconds: f64) -> Vec<u8> {
    let sound = mp3(seconds);
    let frames = (sound.len() / 417) as u32;
    let mut index = [&b"\xff\xfb\x90\x64"[..], &[0; 413]].concat();
    index[36..44].copy_from_slice(b"Info\0\0\0\x03");
    index[44..48].copy_from_slice(&frames.to_be_bytes());
    index[48..52].copy_from_slice(&(sound.len() as u32 + 417).to_be_bytes());
    [index, sound].concat()
}

#[test]
fn joined_mp3_is_as_long_as_its_parts() {
    assert_length(&mp3(10.0), "mp3", 10.0);
    assert_length(&indexed_mp3(10.0), "mp3", 10.0);
    assert_length(
        &[indexed_mp3(10.0), indexed_mp3(20.0), mp3(5.0)].concat(),
        "mp3",
        35.0,
    );
    assert_length(&[mp3(100.0), mp3(20.0)].concat(), "mp3", 120.0);
    assert_truncated(half(&indexed_mp3(10.0)), "mp3");
}

#[test]
fn the_tail_of_an_mp3_is_not_sound() {
    let tag = |flags: u32| {
        let fields = [2000, 1_000_032, 1, flags].map(u32::to_le_bytes);
        [&b"APETAGEX"[..], fields.as_flattened(), &[0; 8]].concat()
    };
    let cover = [tag(0xa000_0000), noise(1_000_000), tag(0x8000_0000)].concat();
    assert_length(&[mp3(60.0), cover].concat(), "mp3", 60.0);
    assert_length(&[mp3(60.0), vec![0; 1_000_000]].concat(), "mp3", 60.0);
    let lyrics = [
        noise(20),
        b"000020LYRICS200".to_vec(),
        b"TAG".to_vec(),
        vec![0; 125],
    ]
    .concat();
    assert_length(&[mp3(1.0), lyrics].concat(), "mp3", 1.0);
}

#[test]
fn speech_frames_have_a_fixed_duration() {
    let amr = [
        b"#!AMR\n".to_vec(),
        [&[0x3c][..], &[9; 31]].concat().repeat(500),
    ]
    .concat();
    assert_length(&amr, "amr", 10.0);
    assert_length(&[&[0xd0][..], &[9; 32]].concat().repeat(500), "gsm", 10.0);
}

#[test]
fn a_variable_bit_rate_is_estimated() {
    let fast = [&b"\xff\xfb\xe0\x64"[..], &[0x55; 1040]].concat();
    let bytes: Vec<_> = (0..40)
        .flat_map(|_| [mp3(1.0), fast.repeat(38)].concat())
        .collect();
    let Length::Estimated(seconds) = sound_of(&bytes, "mp3").length else {
        panic!("a part of the file was not read");
    };
    assert!((seconds / 80.0 - 1.0).abs() < 0.1, "{seconds}");
}

#[test]
fn an_endless_container_is_read_to_the_bound_only() {
    let bytes = [
        &b"\0\0\0\x10ftypM4A \0\0\0\0"[..],
        &b"\0\0\0\x08free".repeat(1_000_000),
    ]
    .concat();
    assert!(sound_of(&bytes, "m4a").length.seconds().is_none());
}
