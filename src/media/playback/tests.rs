//! Heads and decoded sound, compared with full decodes by symphonia.

use super::decoded_sound::DecodedSound;
use super::frame_index::{adts, mp3};
use super::head::head;
use super::index::head_of;
use super::playable::Playable;
use super::player::{NotPlayable, Player};
use super::resampler::Resampler;
use crate::media::container::mp4::fragment_table;
use crate::media::input::Input;
use crate::media::sample_table::SampleTable;
use crate::media::sound_track::Ffmpeg;
use std::fs::{self, File};
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

fn sounds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds")
}

fn sound(name: &str) -> Vec<u8> {
    fs::read(sounds().join(name)).unwrap()
}

/// Packets of a file as symphonia reads them.
fn packets(bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let probe = symphonia::default::get_probe();
    let mut format = probe
        .probe(&Hint::new(), stream, Default::default(), Default::default())
        .unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = format.next_packet().unwrap() {
        packets.push(packet.data.to_vec());
    }
    packets
}

/// Samples of a file as symphonia decodes them, mixed to one channel, and their rate.
fn decoded(bytes: Vec<u8>) -> (Vec<f32>, u32) {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let probe = symphonia::default::get_probe();
    let mut format = probe
        .probe(&Hint::new(), stream, Default::default(), Default::default())
        .unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let parameters = track.codec_params.as_ref().unwrap().audio().unwrap();
    let rate = parameters.sample_rate.unwrap();
    let codecs = symphonia::default::get_codecs();
    let mut decoder = codecs
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .unwrap();
    let (mut all, mut samples) = (Vec::new(), Vec::new());
    while let Some(packet) = format.next_packet().unwrap() {
        let decoded = decoder.decode(&packet).unwrap();
        let channels = decoded.num_planes();
        decoded.copy_to_vec_interleaved::<f32>(&mut samples);
        all.extend(
            samples
                .chunks(channels)
                .map(|frame| frame.iter().sum::<f32>() / channels as f32),
        );
    }
    (all, rate)
}

fn mp3_table(bytes: &[u8]) -> Option<SampleTable> {
    mp3(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
}

fn adts_table(bytes: &[u8]) -> Option<SampleTable> {
    adts(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
}

/// Returns the file behind its head.
fn with_head(table: &SampleTable, file: &[u8]) -> Vec<u8> {
    [&head(table, file.len() as u64), file].concat()
}

#[test]
fn an_mp3_behind_its_head_has_the_same_packets() {
    for name in ["mp3.mp3", "mp3-tags.mp3", "mp3-no-index.mp3"] {
        let file = sound(name);
        let table = mp3_table(&file).unwrap();
        assert_eq!(packets(with_head(&table, &file)), packets(file), "{name}");
    }
}

#[test]
fn the_encoder_delay_of_an_mp3_is_not_played() {
    let file = sound("mp3.mp3");
    let (with_index, without) = (
        mp3_table(&file).unwrap(),
        mp3_table(&sound("mp3-no-index.mp3")).unwrap(),
    );
    assert_eq!(with_index.skip, 1105);
    assert_eq!(without.skip, 0);
    assert_eq!(with_index.sizes, without.sizes);
}

#[test]
fn parts_and_junk_between_them_form_one_time_line() {
    let file = sound("mp3-no-index.mp3");
    let one = mp3_table(&file).unwrap();
    let tag = b"ID3\x04\x00\x00\x00\x00\x00\x20a title between the two parts, long";
    let joined = [&file[..], tag, &file, &[0; 3000]].concat();
    let both = mp3_table(&joined).unwrap();
    assert_eq!(both.duration, 2 * one.duration);
    assert_eq!(both.sizes, [&one.sizes[..], &one.sizes].concat());
    let packets = packets(with_head(&both, &joined));
    assert_eq!(packets.len(), both.sizes.len());
}

#[test]
fn a_cut_mp3_is_as_long_as_its_frames() {
    let file = sound("mp3.mp3");
    let table = mp3_table(&file).unwrap();
    let cut = &file[..file.len() / 2];
    let shorter = mp3_table(cut).unwrap();
    let frames = shorter.sizes.len();
    assert!(frames > 1 && frames < table.sizes.len(), "{frames}");
    assert_eq!(shorter.sizes, table.sizes[..frames]);
}

#[test]
fn parts_of_different_rates_have_no_head() {
    let rate = |fourth_byte: u8| [&[0xff, 0xfb, 0x90, fourth_byte][..], &[0; 413]].concat();
    let at_44_100 = rate(0).repeat(8);
    let mono = rate(0xc0).repeat(8);
    assert!(mp3_table(&at_44_100).is_some());
    assert!(mp3_table(&[at_44_100, mono].concat()).is_none());
    assert!(mp3_table(b"").is_none());
    assert!(mp3_table(&[0x55; 4000]).is_none());
}

#[test]
fn adts_behind_its_head_has_the_same_packets() {
    let file = sound("aac.aac");
    let table = adts_table(&file).unwrap();
    let packets = packets(with_head(&table, &file));
    let sizes: Vec<_> = packets.iter().map(|packet| packet.len() as u32).collect();
    assert_eq!(sizes, table.sizes);
    assert_eq!(packets, self::packets(sound("aac.m4a")));
}

#[test]
fn fragments_behind_one_head_have_the_packets_of_the_whole() {
    for name in ["aac-fragments.mp4", "aac-video-fragments.mp4"] {
        let file = sound(name);
        let mut source = Cursor::new(&file);
        let mut input = Input::unbounded(&mut source, file.len() as u64);
        let table = fragment_table(&mut input).unwrap().unwrap();
        let packets = packets(with_head(&table, &file));
        assert_eq!(packets, self::packets(sound("aac.m4a")), "{name}");
    }
}

#[test]
fn fragments_that_last_no_time_get_no_head() {
    let mut file = sound("aac-fragments.mp4");
    let places = |file: &[u8], kind: &[u8; 4]| -> Vec<_> {
        let found = file.windows(4).enumerate();
        found
            .filter_map(|(at, four)| (four == kind).then_some(at))
            .collect()
    };
    // The last fragment has a duration for each packet. The others have one in their header.
    let last = *places(&file, b"moof").last().unwrap();
    file.truncate(last - 4);
    let head_of = |file: &[u8]| head_of(&mut Cursor::new(file), file.len() as u64, Some("mp4"));
    assert!(head_of(&file).unwrap().is_some());
    for at in places(&file, b"tfhd") {
        file[at + 12..at + 16].fill(0);
    }
    assert!(head_of(&file).unwrap().is_none());
}

#[test]
fn offsets_beyond_four_gigabytes_are_long() {
    let mut table = SampleTable::new(Vec::new(), 8000);
    table.push(u64::from(u32::MAX) - 100, 50, 160).unwrap();
    let short = head(&table, u64::from(u32::MAX) - 1000);
    let long = head(&table, u64::from(u32::MAX));
    let has = |head: &[u8], kind: &[u8]| head.windows(4).any(|window| window == kind);
    assert!(has(&short, b"stco") && !has(&short, b"co64"));
    assert!(has(&long, b"co64") && !has(&long, b"stco"));
    let at = long
        .windows(4)
        .position(|window| window == b"co64")
        .unwrap()
        + 12;
    let offset = u64::from_be_bytes(long[at..at + 8].try_into().unwrap());
    assert_eq!(offset, long.len() as u64 + u64::from(u32::MAX) - 100);
}

/// Reads a range of a decoded sound.
fn read(sound: &DecodedSound, mut at: u64, end: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while at < end {
        let more = sound.read_at(at, end - at).unwrap();
        assert!(!more.is_empty());
        at += more.len() as u64;
        bytes.extend(more);
    }
    bytes
}

fn open(name: &str) -> DecodedSound {
    let path = sounds().join(name);
    DecodedSound::open(File::open(&path).unwrap(), &path).unwrap()
}

#[test]
fn decoded_sound_is_the_full_decode() {
    for name in ["pcm-big.aiff", "pcm.caf", "vorbis.ogg", "flac.ogg"] {
        let sound = open(name);
        let wav = read(&sound, 0, sound.len());
        let (samples, rate) = decoded(self::sound(name));
        let resampler = Resampler::new(rate, 16_000);
        let count = resampler.output_len(samples.len() as u64);
        assert_eq!(wav.len() as u64, 44 + 2 * count, "{name}");
        let len = resampler.input_len(0, count) as usize;
        let before = resampler.input_start(0).unsigned_abs() as usize;
        let mut input = vec![0.0; before];
        input.extend(samples);
        input.resize(len, 0.0);
        for (number, value) in resampler.convert(&input, 0, count).into_iter().enumerate() {
            let at = 44 + 2 * number;
            let is = i16::from_le_bytes([wav[at], wav[at + 1]]);
            let should = (value * 32_768.0).round() as i16;
            assert!(
                is.abs_diff(should) <= 1,
                "{name} {number}: {is} for {should}"
            );
        }
    }
}

#[test]
fn a_seek_in_decoded_sound_is_exact() {
    for name in ["pcm-big.aiff", "pcm.caf", "vorbis.ogg", "flac.ogg"] {
        let whole = read(&open(name), 0, open(name).len());
        // Each is opened again, so that no block is there.
        for at in [1, 43, 44, 20_000, 131_000, whole.len() as u64 - 5] {
            let at = at.min(whole.len() as u64);
            let end = (at + 999).min(whole.len() as u64);
            let part = read(&open(name), at, end);
            assert_eq!(part, whole[at as usize..end as usize], "{name} {at}");
        }
    }
}

#[test]
fn a_joined_mp3_that_is_decoded_has_the_length_of_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let len_of = |bytes: &[u8]| {
        let path = folder.path().join("a.mp3");
        fs::write(&path, bytes).unwrap();
        DecodedSound::open(File::open(&path).unwrap(), &path)
            .unwrap()
            .len()
            - 44
    };
    let one = sound("mp3.mp3");
    let both = [&one[..], &one].concat();
    assert!(len_of(&both) as f64 > 1.9 * len_of(&one) as f64);
}

/// A WAV with blocks of IMA ADPCM, of six seconds.
fn adpcm() -> Vec<u8> {
    let blocks: Vec<u8> = (0..200_u32)
        .flat_map(|block| {
            let codes = (0..252_u32).map(move |at| ((at * at + block * 7) % 251) as u8 & 0x9b);
            [block as u8, 1, 40, 0].into_iter().chain(codes)
        })
        .collect();
    let format = [
        &17_u16.to_le_bytes()[..],
        &1_u16.to_le_bytes(),
        &16_000_u32.to_le_bytes(),
        &8_110_u32.to_le_bytes(),
        &256_u16.to_le_bytes(),
        &4_u16.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &505_u16.to_le_bytes(),
    ]
    .concat();
    let chunk =
        |id: &[u8], content: &[u8]| [id, &(content.len() as u32).to_le_bytes(), content].concat();
    let content = [
        b"WAVE".to_vec(),
        chunk(b"fmt ", &format),
        chunk(b"data", &blocks),
    ];
    chunk(b"RIFF", &content.concat())
}

#[test]
fn a_seek_is_exact_where_the_reader_seeks_wrongly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adpcm.wav");
    fs::write(&path, adpcm()).unwrap();
    let open = || DecodedSound::open(File::open(&path).unwrap(), &path).unwrap();
    let (samples, rate) = decoded(adpcm());
    assert_eq!((samples.len(), rate), (200 * 505, 16_000));
    let last = read(&open(), 44 + 2 * 90_000, 44 + 2 * 90_100);
    let resampler = Resampler::new(rate, 16_000);
    let start = resampler.input_start(90_000) as usize;
    let expected = resampler.convert(&samples[start..], 90_000, 100);
    for (is, should) in last.chunks(2).zip(expected) {
        let is = i16::from_le_bytes([is[0], is[1]]);
        assert!(is.abs_diff((should * 32_768.0).round() as i16) <= 1);
    }
}

async fn played(name: &str, folder: &Path) -> Result<Arc<Playable>, NotPlayable> {
    let player = Arc::new(Player::new(folder.join("playback")));
    player.open(&sounds().join(name), None).await
}

#[tokio::test]
async fn each_kind_is_given_in_the_best_way() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content_type, way) in [
        ("pcm.wav", "audio/wav", 'f'),
        ("aac.m4a", "audio/mp4", 'f'),
        ("aac-video.mp4", "video/mp4", 'f'),
        ("opus.webm", "audio/webm", 'f'),
        ("flac.flac", "audio/flac", 'f'),
        ("mp3.mp3", "audio/mp4", 'i'),
        ("aac.aac", "audio/mp4", 'i'),
        ("aac-fragments.mp4", "audio/mp4", 'i'),
        ("pcm.caf", "audio/wav", 'd'),
        ("pcm-big.aiff", "audio/wav", 'd'),
        ("vorbis.ogg", "audio/wav", 'd'),
    ] {
        let playable = played(name, folder.path()).await.unwrap();
        assert_eq!(playable.content_type(), content_type, "{name}");
        let end = format!("-{way}\"");
        assert!(
            playable.etag().ends_with(&end),
            "{name} {}",
            playable.etag()
        );
        assert!(playable.sound_start_s().abs() < 1e-9, "{name}");
        let blocks = playable.clone().blocks(0..u64::MAX);
        let bytes: usize = blocks.map(|block| block.unwrap().len()).sum();
        assert_eq!(bytes as u64, playable.len(), "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_played_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (name, reason) in [
        (
            "wma.wma",
            "cannot be played here: no browser plays this kind of file",
        ),
        (
            "opus.opus",
            "cannot be played here: it cannot be decoded: unsupported feature: core (codec): unsupported audio codec",
        ),
    ] {
        let error = played(name, folder.path()).await.unwrap_err();
        assert_eq!(error.to_string(), reason, "{name}");
    }
    let error = played("missing.mp3", folder.path()).await.unwrap_err();
    assert!(
        error.to_string().ends_with("tests/sounds/missing.mp3`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_changed_file_is_indexed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp3");
    let player = Arc::new(Player::new(folder.path().join("playback")));
    fs::write(&path, sound("mp3.mp3")).unwrap();
    let first = player.open(&path, None).await.unwrap();
    let again = player.open(&path, None).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    fs::write(&path, sound("mp3-tags.mp3")).unwrap();
    let changed = player.open(&path, None).await.unwrap();
    assert_ne!(first.etag(), changed.etag());
    assert_eq!(
        fs::read_dir(folder.path().join("playback"))
            .unwrap()
            .count(),
        1
    );
}

#[tokio::test]
async fn a_copy_is_made_once_even_if_the_first_caller_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (program, calls) = (folder.path().join("ffmpeg"), folder.path().join("calls"));
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = -version ] && {{ echo 'ffmpeg version 7.1 Copyright'; exit; }}\n\
         case \"$*\" in *framecrc*) echo '#codec_id 0: opus'; exit;; esac\n\
         echo call >> '{}'; sleep 0.5; for out; do :; done; cp '{}' \"${{out#file:}}\"\n",
        calls.display(),
        sounds().join("opus.webm").display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let ffmpeg = Ffmpeg::new(&program, Vec::new()).await.unwrap();
    let player = Arc::new(Player::new(folder.path().join("playback")));
    let path = sounds().join("opus.opus");
    let open = || player.open(&path, Some(&ffmpeg));
    let first = tokio::time::timeout(Duration::from_millis(100), open()).await;
    assert!(first.is_err());
    let (second, third) = tokio::join!(open(), open());
    let (second, third) = (second.unwrap(), third.unwrap());
    assert!(Arc::ptr_eq(&second, &third));
    assert_eq!(second.content_type(), "audio/webm");
    assert_eq!(fs::read_to_string(&calls).unwrap(), "call\n");
    // The copy is kept for later servers.
    let later = Arc::new(Player::new(folder.path().join("playback")));
    assert_eq!(later.open(&path, None).await.unwrap().etag(), second.etag());
}
