//! The head of an MP4 whose media data is an untouched file.
//!
//! The head consists of `ftyp`, of `moov` with a full index, and of the header of an `mdat` box. The file follows as the
//! content of that box, with its own container and its tags. The index points to the packets in between.

use crate::media::sample_table::SampleTable;

/// Content type of an MP4 with sound only.
pub(super) const CONTENT_TYPE: &str = "audio/mp4";
/// Size of the header of a box with a size of 64 bits.
const LONG_HEADER_BYTES: u64 = 16;
/// Number of the only track.
const TRACK: u32 = 1;
/// The normal speed or volume, in 16.16 and 8.8.
const ONE: u32 = 0x0001_0000;
const FULL_VOLUME: u16 = 0x0100;
/// The language `und` in three letters of five bits.
const UNDETERMINED: u16 = 0x55c4;
/// Flags of a track: enabled, and part of the presentation.
const ENABLED: u32 = 3;
/// Flag of data that is in the same file.
const SELF_CONTAINED: u32 = 1;

/// Returns the head for a file of `len` bytes.
pub(super) fn head(table: &SampleTable, len: u64) -> Vec<u8> {
    // The size of the head depends on the width of the offsets, but not on their values.
    let size = |is_wide| file_type().len() as u64 + movie(table, 0, is_wide).len() as u64 + 16;
    let is_wide = size(false).saturating_add(len) > u64::from(u32::MAX);
    let base = size(is_wide);
    let data = LONG_HEADER_BYTES.saturating_add(len);
    [
        file_type(),
        movie(table, base, is_wide),
        [&1_u32.to_be_bytes()[..], b"mdat", &data.to_be_bytes()].concat(),
    ]
    .concat()
}

fn file_type() -> Vec<u8> {
    boxed(
        b"ftyp",
        &[b"isom", &512_u32.to_be_bytes(), b"isom", b"iso2", b"mp41"],
    )
}

/// Returns the index. `base` is the offset at which the file begins.
fn movie(table: &SampleTable, base: u64, is_wide: bool) -> Vec<u8> {
    boxed(
        b"moov",
        &[&movie_header(table), &track(table, base, is_wide)],
    )
}

fn movie_header(table: &SampleTable) -> Vec<u8> {
    full_box(
        b"mvhd",
        (1, 0),
        &[
            &[0; 16],
            &table.timescale.to_be_bytes(),
            &table.played().to_be_bytes(),
            &ONE.to_be_bytes(),
            &FULL_VOLUME.to_be_bytes(),
            &[0; 10],
            &unity_matrix(),
            &[0; 24],
            &(TRACK + 1).to_be_bytes(),
        ],
    )
}

fn track(table: &SampleTable, base: u64, is_wide: bool) -> Vec<u8> {
    let header = full_box(
        b"tkhd",
        (1, ENABLED),
        &[
            &[0; 16],
            &TRACK.to_be_bytes(),
            &[0; 4],
            &table.played().to_be_bytes(),
            &[0; 12],
            &FULL_VOLUME.to_be_bytes(),
            &[0; 2],
            &unity_matrix(),
            &[0; 8],
        ],
    );
    let edit = full_box(
        b"elst",
        (1, 0),
        &[
            &1_u32.to_be_bytes(),
            &table.played().to_be_bytes(),
            &table.skip.to_be_bytes(),
            &ONE.to_be_bytes(),
        ],
    );
    let edits = boxed(b"edts", &[&edit]);
    boxed(b"trak", &[&header, &edits, &media(table, base, is_wide)])
}

fn media(table: &SampleTable, base: u64, is_wide: bool) -> Vec<u8> {
    let header = full_box(
        b"mdhd",
        (1, 0),
        &[
            &[0; 16],
            &table.timescale.to_be_bytes(),
            &table.duration.to_be_bytes(),
            &UNDETERMINED.to_be_bytes(),
            &[0; 2],
        ],
    );
    let handler = full_box(b"hdlr", (0, 0), &[&[0; 4], b"soun", &[0; 12], b"sound\0"]);
    let reference = full_box(
        b"dref",
        (0, 0),
        &[
            &1_u32.to_be_bytes(),
            &full_box(b"url ", (0, SELF_CONTAINED), &[]),
        ],
    );
    let information = boxed(
        b"minf",
        &[
            &full_box(b"smhd", (0, 0), &[&[0; 4]]),
            &boxed(b"dinf", &[&reference]),
            &samples(table, base, is_wide),
        ],
    );
    boxed(b"mdia", &[&header, &handler, &information])
}

fn samples(table: &SampleTable, base: u64, is_wide: bool) -> Vec<u8> {
    let description = full_box(b"stsd", (0, 0), &[&1_u32.to_be_bytes(), &table.entry]);
    let durations = table
        .durations
        .iter()
        .flat_map(|(count, each)| [*count, *each]);
    let durations = full_box(
        b"stts",
        (0, 0),
        &[&count(table.durations.len()), &words(durations)],
    );
    let runs = chunk_runs(table);
    let runs = full_box(
        b"stsc",
        (0, 0),
        &[&count(runs.len()), &words(runs.into_iter().flatten())],
    );
    let sizes = full_box(
        b"stsz",
        (0, 0),
        &[
            &[0; 4],
            &count(table.sizes.len()),
            &words(table.sizes.iter().copied()),
        ],
    );
    let offsets = table.chunks.iter().map(|chunk| base + chunk.at);
    let chunks = count(table.chunks.len());
    let offsets = match is_wide {
        true => {
            let offsets: Vec<u8> = offsets.flat_map(u64::to_be_bytes).collect();
            full_box(b"co64", (0, 0), &[&chunks, &offsets])
        }
        // Checked by the caller.
        false => full_box(
            b"stco",
            (0, 0),
            &[&chunks, &words(offsets.map(|at| at as u32))],
        ),
    };
    boxed(
        b"stbl",
        &[&description, &durations, &runs, &sizes, &offsets],
    )
}

/// Returns the runs of chunks of equal length: the number of the first chunk, the samples of each, and the description.
fn chunk_runs(table: &SampleTable) -> Vec<[u32; 3]> {
    let mut runs: Vec<[u32; 3]> = Vec::new();
    for (number, chunk) in (1..).zip(&table.chunks) {
        if runs.last().is_none_or(|run| run[1] != chunk.samples) {
            runs.push([number, chunk.samples, 1]);
        }
    }
    runs
}

/// Returns a description of MP3 or AAC for `stsd`. `stream` is the kind of the stream in MPEG-4, and `specific` the
/// configuration of the decoder.
pub(super) fn mpeg4_entry(stream: u8, channels: u16, rate: u32, specific: &[u8]) -> Vec<u8> {
    const SOUND_STREAM: u8 = 0x15;
    let specific = match specific.is_empty() {
        true => Vec::new(),
        false => descriptor(5, &[specific]),
    };
    let configuration = descriptor(4, &[&[stream, SOUND_STREAM], &[0; 11], &specific]);
    let elementary = descriptor(3, &[&[0, 1, 0], &configuration, &descriptor(6, &[&[2]])]);
    // A higher rate does not fit. The decoder knows it from its configuration.
    let rate = u16::try_from(rate).unwrap_or(0);
    boxed(
        b"mp4a",
        &[
            &[0; 6],
            &1_u16.to_be_bytes(),
            &[0; 8],
            &channels.to_be_bytes(),
            &16_u16.to_be_bytes(),
            &[0; 4],
            &rate.to_be_bytes(),
            &[0; 2],
            &full_box(b"esds", (0, 0), &[&elementary]),
        ],
    )
}

/// Returns a descriptor of MPEG-4. Its content has less than 128 bytes.
fn descriptor(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&[tag, content.len() as u8], &content[..]].concat()
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let bytes = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut whole = Vec::with_capacity(bytes);
    // The greatest box is bounded by the number of samples.
    whole.extend((bytes as u32).to_be_bytes());
    whole.extend(kind);
    parts.iter().for_each(|part| whole.extend(*part));
    whole
}

/// Returns a box with a version and flags.
fn full_box(kind: &[u8; 4], (version, flags): (u32, u32), parts: &[&[u8]]) -> Vec<u8> {
    let head = (version << 24 | flags).to_be_bytes();
    boxed(kind, &[&[&head[..]], parts].concat())
}

fn unity_matrix() -> Vec<u8> {
    words([ONE, 0, 0, 0, ONE, 0, 0, 0, 0x4000_0000])
}

fn count(number: usize) -> [u8; 4] {
    (number as u32).to_be_bytes()
}

fn words(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_be_bytes).collect()
}
