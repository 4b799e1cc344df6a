//! A WAV that is decoded when it is read: 16 kHz, mono, 16 bits. The place of a byte is its time.

use super::resampler::Resampler;
use crate::media::inspect::extension_of;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

/// Sample rate of the WAV. Speech needs no higher one.
const RATE: u32 = 16_000;
/// Size of a sample in bytes.
const SAMPLE_BYTES: u64 = 2;
const HEADER_BYTES: u64 = 44;
/// Samples that are decoded at a time: four seconds.
const BLOCK_SAMPLES: u64 = 4 * RATE as u64;
/// Number of blocks that are kept: a minute, in 2 MB.
const MAX_BLOCKS: usize = 16;
/// Samples before a position at which decoding starts. A packet may need those before it.
const RUN_UP: u64 = 16 * 1024;
/// Sample rates that are read.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// A recording as a WAV.
#[derive(Debug)]
pub(super) struct DecodedSound {
    file: File,
    path: PathBuf,
    resampler: Resampler,
    /// Number of samples of the WAV.
    samples: u64,
    source: Mutex<Source>,
    /// The blocks that were decoded last, with their numbers.
    blocks: Mutex<VecDeque<(u64, Arc<[u8]>)>>,
}

/// A decoder and its file.
struct Source {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    base: TimeBase,
    /// Time of the first sample that is played.
    start: i64,
    rate: u32,
    /// Whether it was read to its end or failed. Some readers do not seek then.
    is_spent: bool,
}

impl DecodedSound {
    /// Opens a recording. Reads it as a whole if its container does not state its length. Blocks.
    ///
    /// # Errors
    /// If it cannot be read, or is of a kind that cannot be decoded.
    pub(super) fn open(file: File, path: &Path) -> io::Result<Self> {
        let (mut source, stated) = Source::open(&file, path)?;
        let samples = match stated {
            Some(samples) => samples,
            None => {
                source.is_spent = true;
                source.count()?
            }
        };
        let resampler = Resampler::new(source.rate, RATE);
        let samples = resampler.output_len(samples);
        if samples * SAMPLE_BYTES > u64::from(u32::MAX) - HEADER_BYTES {
            return Err(io::Error::other("it is longer than 37 hours"));
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            resampler,
            samples,
            source: Mutex::new(source),
            blocks: Mutex::default(),
        })
    }

    /// Returns the size of the WAV in bytes.
    pub(super) const fn len(&self) -> u64 {
        HEADER_BYTES + self.samples * SAMPLE_BYTES
    }

    /// Reads bytes from the offset `at` on, at least one and at most `max`. `at` lies within the WAV.
    ///
    /// # Errors
    /// If the recording cannot be read.
    pub(super) fn read_at(&self, at: u64, max: u64) -> io::Result<Vec<u8>> {
        let part = |bytes: &[u8], from: u64| {
            let rest = bytes.get(from as usize..).unwrap_or_default();
            rest[..rest.len().min(max as usize)].to_vec()
        };
        let Some(sound) = at.checked_sub(HEADER_BYTES) else {
            return Ok(part(&self.header(), at));
        };
        let block_bytes = BLOCK_SAMPLES * SAMPLE_BYTES;
        let block = self.block(sound / block_bytes)?;
        Ok(part(&block, sound % block_bytes))
    }

    fn header(&self) -> Vec<u8> {
        let bytes = (self.samples * SAMPLE_BYTES) as u32;
        let whole = bytes + HEADER_BYTES as u32 - 8;
        [
            &b"RIFF"[..],
            &whole.to_le_bytes(),
            b"WAVEfmt ",
            &16_u32.to_le_bytes(),
            &1_u16.to_le_bytes(),
            &1_u16.to_le_bytes(),
            &RATE.to_le_bytes(),
            &(RATE * SAMPLE_BYTES as u32).to_le_bytes(),
            &(SAMPLE_BYTES as u16).to_le_bytes(),
            &16_u16.to_le_bytes(),
            b"data",
            &bytes.to_le_bytes(),
        ]
        .concat()
    }

    /// Decodes `len` samples of the input from number `start` on.
    fn input(&self, source: &mut Source, start: i64, len: usize) -> io::Result<Vec<f32>> {
        if source.is_spent {
            *source = Source::open(&self.file, &self.path)?.0;
        }
        source.is_spent = true;
        let from = u64::try_from(start).unwrap_or(0).saturating_sub(RUN_UP);
        let first = match source.seek(from)? {
            Some(first) => first,
            None => {
                *source = Source::open(&self.file, &self.path)?.0;
                source.is_spent = true;
                source.skip_to(from)?
            }
        };
        let (input, has_ended) = source.decode(first, start, len)?;
        source.is_spent = has_ended;
        Ok(input)
    }

    /// Returns a block, and decodes it if needed.
    fn block(&self, number: u64) -> io::Result<Arc<[u8]>> {
        // Held while it is decoded, so that no block is decoded twice.
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = blocks.iter().find(|(of, _)| *of == number) {
            return Ok(block.clone());
        }
        let first = number * BLOCK_SAMPLES;
        let count = self.samples.saturating_sub(first).min(BLOCK_SAMPLES);
        let start = self.resampler.input_start(first);
        let len = self.resampler.input_len(first, count);
        let input = self.input(&mut source, start, len as usize)?;
        let output = self.resampler.convert(&input, first, count);
        let block: Arc<[u8]> = output
            .into_iter()
            .flat_map(|value| ((value * 32_768.0).round() as i16).to_le_bytes())
            .collect();
        blocks.push_front((number, block.clone()));
        blocks.truncate(MAX_BLOCKS);
        Ok(block)
    }
}

impl Source {
    /// Opens a decoder. Returns it with the number of samples, if the container states it.
    fn open(file: &File, path: &Path) -> io::Result<(Self, Option<u64>)> {
        guarded(|| Self::open_unguarded(file, path))
    }

    fn open_unguarded(file: &File, path: &Path) -> io::Result<(Self, Option<u64>)> {
        let mut file = file.try_clone()?;
        file.rewind()?;
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let mut hint = Hint::new();
        if let Some(extension) = extension_of(path) {
            hint.with_extension(&extension);
        }
        let probe = symphonia::default::get_probe();
        let format = probe
            .probe(&hint, stream, Default::default(), Default::default())
            .map_err(cannot_decode)?;
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| io::Error::other("it has no sound track"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or_else(|| io::Error::other("its codec is not known"))?;
        let rate = parameters
            .sample_rate
            .filter(|rate| RATES.contains(rate))
            .ok_or_else(|| io::Error::other("its sample rate is not known"))?;
        let is_mpeg_audio = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&parameters.codec);
        let delay = track.delay.unwrap_or(0);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &Default::default())
            .map_err(cannot_decode)?;
        let base = track
            .time_base
            .ok_or_else(|| io::Error::other("its times are not known"))?;
        // The first part of a joined MP3 states its own length.
        let stated = track.num_frames.filter(|_| !is_mpeg_audio);
        let mut source = Self {
            base,
            track: track.id,
            start: track.start_ts.get(),
            rate,
            is_spent: false,
            decoder,
            format,
        };
        source.start = source.time_at(delay.into()).get();
        Ok((source, stated))
    }

    /// Counts the samples of all packets.
    fn count(&mut self) -> io::Result<u64> {
        let mut end = 0;
        while let Some(packet) = self.next_packet()? {
            let after = packet.pts.get().saturating_add_unsigned(packet.dur.get());
            end = end.max(self.sample_at(after));
        }
        Ok(u64::try_from(end).unwrap_or(0))
    }

    /// Returns the number of the sample at a time of the container.
    fn sample_at(&self, time: i64) -> i64 {
        let units = i128::from(time) - i128::from(self.start);
        let samples = units * i128::from(self.base.numer.get()) * i128::from(self.rate);
        i64::try_from(samples.div_euclid(i128::from(self.base.denom.get()))).unwrap_or(0)
    }

    /// Returns the time of the container at a sample.
    fn time_at(&self, sample: u64) -> Timestamp {
        let units = u128::from(sample) * u128::from(self.base.denom.get());
        let units = units / (u128::from(self.base.numer.get()) * u128::from(self.rate));
        Timestamp::new(self.start.saturating_add_unsigned(units as u64))
    }

    /// Reads the next packet of the track.
    fn next_packet(&mut self) -> io::Result<Option<Packet>> {
        loop {
            let next = guarded(|| self.format.next_packet().map_err(cannot_decode))?;
            if next.as_ref().is_none_or(|next| next.track_id == self.track) {
                return Ok(next);
            }
        }
    }

    /// Goes to the packet with a sample, or to an earlier one, and returns it. Returns `None` if the reader went elsewhere, as
    /// that of WAV does with ADPCM.
    fn seek(&mut self, sample: u64) -> io::Result<Option<Packet>> {
        let to = SeekTo::Timestamp {
            ts: self.time_at(sample),
            track_id: self.track,
        };
        let sought = guarded(|| {
            let sought = self.format.seek(SeekMode::Accurate, to);
            sought.map_err(cannot_decode)
        });
        self.decoder.reset();
        if sought.is_err() {
            return Ok(None);
        }
        let first = self.next_packet()?;
        let is_before =
            |packet: &Packet| self.sample_at(packet.pts.get()) <= sample.try_into().unwrap_or(0);
        Ok(first.filter(is_before))
    }

    /// Reads from the start of the file up to the packet with a sample, and returns it.
    fn skip_to(&mut self, sample: u64) -> io::Result<Packet> {
        while let Some(packet) = self.next_packet()? {
            let end = packet.pts.get().saturating_add_unsigned(packet.dur.get());
            if self.sample_at(end) >= sample.try_into().unwrap_or(i64::MAX) {
                return Ok(packet);
            }
        }
        Err(io::Error::other("it ends before its stated length"))
    }

    /// Decodes `count` samples from number `start` on, and mixes their channels. `first` is the next packet. What the file does
    /// not have is silent. Returns the samples, and whether the file has ended.
    fn decode(&mut self, first: Packet, start: i64, count: usize) -> io::Result<(Vec<f32>, bool)> {
        let mut mixed = vec![0.0; count];
        let mut samples: Vec<f32> = Vec::new();
        let end = start.saturating_add_unsigned(count as u64);
        let mut next = Some(first);
        while let Some(packet) = next {
            let at = self.sample_at(packet.pts.get());
            if at >= end {
                return Ok((mixed, false));
            }
            let channels = guarded(|| match self.decoder.decode(&packet) {
                Ok(decoded) => {
                    decoded.copy_to_vec_interleaved(&mut samples);
                    Ok(decoded.num_planes().max(1))
                }
                // A damaged packet is silent.
                Err(Error::DecodeError(_)) => {
                    samples.clear();
                    Ok(1)
                }
                Err(error) => Err(cannot_decode(error)),
            })?;
            for (number, frame) in samples.chunks_exact(channels).enumerate() {
                let place = at.saturating_add_unsigned(number as u64) - start;
                if let Some(place) = usize::try_from(place).ok().and_then(|at| mixed.get_mut(at)) {
                    *place = frame.iter().sum::<f32>() / channels as f32;
                }
            }
            next = self.next_packet()?;
        }
        Ok((mixed, true))
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Source")
            .field("track", &self.track)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// Runs a decoder. The files are untrusted, and a panic must not end the process.
fn guarded<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(io::Error::other("the decoder failed at its content")))
}

fn cannot_decode(error: Error) -> io::Error {
    match error {
        Error::IoError(error) => error,
        error => io::Error::other(format!("it cannot be decoded: {error}")),
    }
}
