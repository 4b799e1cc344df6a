#!/usr/bin/env bash
# MediaInfo gives a wrong length for CAF and AU recordings. For CAF, it depends on the size of the reads.
#
# usage: findings/mediainfo-length.sh (needs Python 3.11.5 or later with venv, Node.js with npm, and network)
#
# Guess: The length of uncompressed sound is the number of its bytes divided by the byte rate. MediaInfo knows both,
# and a length does not depend on how a program reads the file.
#
# Fact: Both lengths are wrong, without an error. The recordings have 8 kHz.
# - CAF: only the bytes in the first read count. pymediainfo reads 64 KiB, so with 16 bits and one channel, a
#   recording of one minute and one of ten minutes both have 3.840 s. In mediainfo.js, the option chunkSize changes
#   the length: 3.840 s with 64 KiB, 16.128 s by default. A file that is smaller than one read is right, so a small
#   test file shows nothing.
# - AU: each byte counts as a sample. The length is twice the real one with 16 bits, four times with two channels as
#   well, three times with 24 bits. It is right with mu-law, which has one byte per sample.
# WAV and AIFF with the same samples are right. parse_speed=1 changes nothing. The library of 2024 (24.12, in
# pymediainfo) and the one of 2026 (26.05, in mediainfo.js) agree.
#
# Source: measured. MediaInfoLib (Source/MediaInfo/Audio/File_Caf.cpp, function data) computes the length from
# Element_Size. For a chunk that is larger than the buffer, this is the part in the buffer. libsndfile wrote the
# recordings and reads their real lengths.
#
# Why it matters here: Costs, limits and the plan depend on the length. With this tool, a folder of CAF recordings
# would pass any budget, and AU recordings would reach theirs too early. nightscribe reads the sizes of
# the chunks itself. A test of a length needs a file that is larger than a read, and more than one encoding.
#
# Exit status: 0 if the behaviour is as stated.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  pymediainfo==7.0.1 soundfile==0.13.1 cffi==2.1.1 pycparser==3.12
echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact mediainfo.js@0.3.8

cat >measure.py <<'PYTHON'
import array
import math
from importlib.metadata import version

import soundfile
from pymediainfo import MediaInfo

RATE = 8000
VARIANTS = [
    ("WAV", "PCM_16", 1),
    ("AIFF", "PCM_16", 1),
    ("CAF", "PCM_16", 1),
    ("CAF", "PCM_16", 2),
    ("AU", "ULAW", 1),
    ("AU", "PCM_16", 1),
    ("AU", "PCM_16", 2),
    ("AU", "PCM_24", 1),
]


def tone(seconds, channels):
    second = [int(9000 * math.sin(math.tau * 440 * n / RATE)) for n in range(RATE)]
    frames = array.array("h", (sample for sample in second for _ in range(channels)))
    return frames.tobytes() * seconds


def mediainfo(path, speed):
    (track,) = MediaInfo.parse(path, parse_speed=speed).audio_tracks
    return f"{float(track.duration) / 1000:.3f}"


print("pymediainfo", version("pymediainfo"), "with MediaInfo", MediaInfo._get_library()[2])
for kind, encoding, channels in VARIANTS:
    for seconds in (2, 60, 600):
        path = f"{encoding}-{channels}-{seconds}.{kind.lower()}"
        with soundfile.SoundFile(path, "w", RATE, channels, encoding, format=kind) as file:
            file.buffer_write(tone(seconds, channels), dtype="int16")
        real = f"{soundfile.info(path).duration:.3f}"
        print(kind, encoding, channels, "real", real, "seen", mediainfo(path, 0.5), mediainfo(path, 1))
PYTHON

cat >measure.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import mediaInfoFactory from "mediainfo.js";

const KIB = 1024;

async function length(path, options) {
  const mediaInfo = await mediaInfoFactory({ format: "object", ...options });
  const bytes = readFileSync(path);
  const read = (size, offset) => new Uint8Array(bytes.subarray(offset, offset + size));
  const { media, creatingLibrary } = await mediaInfo.analyzeData(bytes.length, read);
  mediaInfo.close();
  const track = media.track.find((track) => track["@type"] === "Audio");
  return { version: creatingLibrary.version, seconds: track.Duration.toFixed(3) };
}

console.log("mediainfo.js with MediaInfo", (await length("PCM_16-1-2.wav")).version);
for (const path of ["PCM_16-1-60.caf", "PCM_16-1-600.caf", "PCM_16-1-60.au", "PCM_16-2-60.au", "ULAW-1-60.au"]) {
  const seen = [(await length(path)).seconds];
  for (const size of [64, 256, 1024]) seen.push((await length(path, { chunkSize: size * KIB })).seconds);
  console.log(path, "seen", seen.join(" "));
}
JAVASCRIPT

cat >expected <<'TEXT'
pymediainfo 7.0.1 with MediaInfo 24.12
WAV PCM_16 1 real 2.000 seen 2.000 2.000
WAV PCM_16 1 real 60.000 seen 60.000 60.000
WAV PCM_16 1 real 600.000 seen 600.000 600.000
AIFF PCM_16 1 real 2.000 seen 2.000 2.000
AIFF PCM_16 1 real 60.000 seen 60.000 60.000
AIFF PCM_16 1 real 600.000 seen 600.000 600.000
CAF PCM_16 1 real 2.000 seen 2.000 2.000
CAF PCM_16 1 real 60.000 seen 3.840 3.840
CAF PCM_16 1 real 600.000 seen 3.840 3.840
CAF PCM_16 2 real 2.000 seen 1.920 1.920
CAF PCM_16 2 real 60.000 seen 1.920 1.920
CAF PCM_16 2 real 600.000 seen 1.920 1.920
AU ULAW 1 real 2.000 seen 2.000 2.000
AU ULAW 1 real 60.000 seen 60.000 60.000
AU ULAW 1 real 600.000 seen 600.000 600.000
AU PCM_16 1 real 2.000 seen 4.000 4.000
AU PCM_16 1 real 60.000 seen 120.000 120.000
AU PCM_16 1 real 600.000 seen 1200.000 1200.000
AU PCM_16 2 real 2.000 seen 8.000 8.000
AU PCM_16 2 real 60.000 seen 240.000 240.000
AU PCM_16 2 real 600.000 seen 2400.000 2400.000
AU PCM_24 1 real 2.000 seen 6.000 6.000
AU PCM_24 1 real 60.000 seen 180.000 180.000
AU PCM_24 1 real 600.000 seen 1800.000 1800.000
mediainfo.js with MediaInfo 26.05
PCM_16-1-60.caf seen 16.128 3.840 16.128 60.000
PCM_16-1-600.caf seen 16.128 3.840 16.128 65.280
PCM_16-1-60.au seen 120.000 120.000 120.000 120.000
PCM_16-2-60.au seen 240.000 240.000 240.000 240.000
ULAW-1-60.au seen 60.000 60.000 60.000 60.000
TEXT

venv/bin/python measure.py | tee seen
node measure.mjs | tee -a seen
diff expected seen
echo "As stated: the length of CAF stops at the end of the first read, and the length of AU counts bytes as samples."
