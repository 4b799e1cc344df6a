#!/usr/bin/env bash
# Symphonia goes to a wrong place in a WAV with ADPCM, reports the right one, and mostly finds the end of the file.
#
# usage: findings/adpcm-seek.sh (needs Python 3.11.5 or later with venv, Rust 1.85 or later, and network)
#
# Guess: An accurate seek ends at the sample that was asked for or shortly before it, as it does with PCM in the same
# container. If a reader cannot seek, it returns an error.
#
# Fact: In a recording of two minutes with 8 kHz, a seek to 0.2 s succeeds and reports 0.126 s. The next packet has the
# sound and the time of 63.8 s. A seek to 0.3 s or later succeeds, reports the place that was asked for, and the next
# packet is the end of the file, without an error. A program that plays from there is silent. IMA and Microsoft ADPCM
# behave alike, PCM is right. Read from the start, all packets and their times are right.
#
# Source: measured, and read in symphonia-format-riff 0.6.1 (src/wave/mod.rs, function seek): the place in bytes is
# the time in frames multiplied by the size of a block, which holds one frame of PCM but some hundred frames of ADPCM.
# libsndfile, which wrote the recordings, seeks in them to the right sample.
#
# Why it matters here: Dictation machines and telephone systems record ADPCM in WAV, and no browser plays it. The page
# decodes such a recording from the middle when somebody clicks on a word. After each seek, nightscribe compares the
# time of the first packet with the one it wanted, and reads from the start of the file if it is later or missing.
#
# Exit status: 0 if the behaviour is as stated.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  soundfile==0.13.1 cffi==2.1.1 pycparser==3.12 numpy==2.3.5

cat >record.py <<'PYTHON'
"""Records two minutes in each encoding. The pitch of each second tells its number."""

import math

import numpy
import soundfile

RATE, SECONDS = 8000, 120
hertz = numpy.repeat([300 + 10 * second for second in range(SECONDS)], RATE)
sound = 0.5 * numpy.sin(numpy.cumsum(2 * math.pi * hertz / RATE))
for encoding in ("PCM_16", "IMA_ADPCM", "MS_ADPCM"):
    soundfile.write(f"{encoding}.wav", sound, RATE, subtype=encoding)
    heard, _ = soundfile.read(f"{encoding}.wav", start=60 * RATE, frames=4000)
    rises = numpy.count_nonzero((heard[:-1] < 0) & (heard[1:] >= 0))
    second = (rises * RATE / len(heard) - 300) / 10
    assert abs(second - 60) < 1, f"libsndfile hears second {second} in {encoding}"
PYTHON
venv/bin/python record.py

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "seek"
version = "0.0.0"
edition = "2024"

[dependencies]
symphonia = { version = "=0.6.1", default-features = false, features = ["adpcm", "pcm", "wav"] }
TOML
cat >src/main.rs <<'RUST'
//! Seeks in each recording, and prints the place by the reader, that of the first packet, and the second that is heard.

use std::fs::File;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{SeekMode, SeekTo, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::units::Timestamp;

const RATE: f64 = 8000.0;

fn main() {
    for encoding in ["PCM_16", "IMA_ADPCM", "MS_ADPCM"] {
        for wanted in [0.2, 0.3, 30.0, 90.0] {
            println!("{encoding} {wanted}: {}", seek(encoding, wanted));
        }
    }
}

fn seek(encoding: &str, wanted: f64) -> String {
    let file = File::open(format!("{encoding}.wav")).unwrap();
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let probe = symphonia::default::get_probe();
    let opened = probe.probe(&Hint::new(), stream, Default::default(), Default::default());
    let mut format = opened.unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let parameters = track.codec_params.as_ref().unwrap().audio().unwrap().clone();
    let (track_id, codecs) = (track.id, symphonia::default::get_codecs());
    let mut decoder = codecs.make_audio_decoder(&parameters, &Default::default()).unwrap();
    let ts = Timestamp::new((wanted * RATE) as i64);
    let sought = format.seek(SeekMode::Accurate, SeekTo::Timestamp { ts, track_id });
    let reported = sought.unwrap().actual_ts.get() as f64 / RATE;
    let (mut sound, mut first) = (Vec::<f32>::new(), None);
    while sound.len() < 4000 {
        let Some(packet) = format.next_packet().unwrap() else { break };
        first.get_or_insert(packet.pts.get() as f64 / RATE);
        let mut part = Vec::<f32>::new();
        decoder.decode(&packet).unwrap().copy_to_vec_interleaved(&mut part);
        sound.extend(part);
    }
    let Some(first) = first else {
        return format!("reported {reported:.3}, then the end of the file");
    };
    let rises = sound.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    let heard = (rises as f64 * RATE / sound.len() as f64 - 300.0) / 10.0;
    format!("reported {reported:.3}, packet of {first:.3}, sound of second {heard:.0}")
}
RUST
cat >expected <<'TEXT'
PCM_16 0.2: reported 0.144, packet of 0.144, sound of second 0
PCM_16 0.3: reported 0.288, packet of 0.288, sound of second 0
PCM_16 30: reported 29.952, packet of 29.952, sound of second 30
PCM_16 90: reported 90.000, packet of 90.000, sound of second 90
IMA_ADPCM 0.2: reported 0.126, packet of 63.756, sound of second 63
IMA_ADPCM 0.3: reported 0.253, then the end of the file
IMA_ADPCM 30: reported 29.921, then the end of the file
IMA_ADPCM 90: reported 89.890, then the end of the file
MS_ADPCM 0.2: reported 0.125, packet of 62.500, sound of second 62
MS_ADPCM 0.3: reported 0.250, then the end of the file
MS_ADPCM 30: reported 30.000, then the end of the file
MS_ADPCM 90: reported 90.000, then the end of the file
TEXT

echo "symphonia 0.6.1"
cargo run --quiet | tee seen
diff expected seen && echo "as stated"
