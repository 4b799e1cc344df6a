//! Indexes of sound without a container, by one pass over its frames.

use super::frame_scan::scan;
use super::head::mpeg4_entry;
use crate::media::container::{adts, mpeg_audio};
use crate::media::id3::{skip_tags, trim_tags};
use crate::media::input::Input;
use crate::media::sample_table::SampleTable;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Kinds of streams in MPEG-4: AAC, and MPEG audio of full and of low sample rates.
const AAC: u8 = 0x40;
const MPEG1_AUDIO: u8 = 0x6b;
const MPEG2_AUDIO: u8 = 0x69;
/// Samples of silence with which a decoder of MP3 begins.
const DECODER_DELAY: u32 = 529;
/// Samples in a frame of AAC.
const AAC_SAMPLES: u32 = 1024;

/// Indexes MP3. Returns `None` if it has no frames, or if its parts have other parameters, with which no player goes on.
///
/// The time line is that of a full decode by ffmpeg. Only the index of the first part is left out.
///
/// # Errors
/// If the file cannot be read, or has too many frames.
pub(super) fn mp3(source: &mut (impl Read + Seek), len: u64) -> io::Result<Option<SampleTable>> {
    let sound = between_tags(source, len)?;
    let (mut indexed, mut is_uniform) = (None::<(mpeg_audio::Header, SampleTable)>, true);
    scan_range(source, sound, mpeg_audio::FRAMES, |at, frame| {
        let Some(header) = mpeg_audio::Header::parse(frame) else {
            return Ok(true);
        };
        let Some((first, table)) = &mut indexed else {
            let mut table = SampleTable::new(mp3_entry(&header), header.rate);
            let index = mpeg_audio::is_index(frame, &header);
            match index {
                true => {
                    let delay = mpeg_audio::encoder_delay(frame, &header);
                    table.skip = delay.map_or(0, |delay| (delay + DECODER_DELAY).into());
                }
                false => table.push(at, frame.len() as u32, header.samples)?,
            }
            indexed = Some((header, table));
            return Ok(true);
        };
        is_uniform = header.layer == 3 && header.is_like(first);
        if is_uniform {
            table.push(at, frame.len() as u32, header.samples)?;
        }
        Ok(is_uniform)
    })?;
    let table = indexed.map(|(_, table)| table);
    Ok(table.filter(|table| is_uniform && !table.sizes.is_empty()))
}

fn mp3_entry(header: &mpeg_audio::Header) -> Vec<u8> {
    let stream = if header.is_mpeg1 {
        MPEG1_AUDIO
    } else {
        MPEG2_AUDIO
    };
    let channels = if header.is_mono { 1 } else { 2 };
    mpeg4_entry(stream, channels, header.rate, &[])
}

/// Indexes AAC in ADTS frames. Returns `None` if it has no frames, or frames that MP4 cannot describe alike.
///
/// # Errors
/// If the file cannot be read, or has too many frames.
pub(super) fn adts(source: &mut (impl Read + Seek), len: u64) -> io::Result<Option<SampleTable>> {
    let sound = between_tags(source, len)?;
    let (mut indexed, mut is_uniform) = (None::<(adts::Header, SampleTable)>, true);
    scan_range(source, sound, adts::FRAMES, |at, frame| {
        let Some(header) = adts::Header::parse(frame) else {
            is_uniform = false;
            return Ok(false);
        };
        let (first, table) = indexed.get_or_insert_with(|| {
            let entry = mpeg4_entry(AAC, header.channels.into(), header.rate, &header.config());
            (header, SampleTable::new(entry, header.rate))
        });
        is_uniform = header == *first;
        let packet = frame.get(header.bytes..).unwrap_or_default().len();
        if is_uniform && packet > 0 {
            table.push(at + header.bytes as u64, packet as u32, AAC_SAMPLES)?;
        }
        Ok(is_uniform)
    })?;
    let table = indexed.map(|(_, table)| table);
    Ok(table.filter(|table| is_uniform && !table.sizes.is_empty()))
}

/// Returns the range between the tags at the start and those at the end.
fn between_tags(source: &mut (impl Read + Seek), len: u64) -> io::Result<Range<u64>> {
    let mut input = Input::new(source, len);
    let end = trim_tags(&mut input, len)?;
    Ok(skip_tags(&mut input, 0)?.min(end)..end)
}

fn scan_range(
    source: &mut (impl Read + Seek),
    range: Range<u64>,
    format: crate::media::frames::FrameFormat,
    visit: impl FnMut(u64, &[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    source.seek(SeekFrom::Start(range.start))?;
    let bytes = range.end - range.start;
    scan(source.take(bytes), range.start, format, visit)
}
