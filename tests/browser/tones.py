"""Recordings whose tones tell the time, in many kinds of files. Each second is a chord of its own."""

import math
import operator
import re
import subprocess
import sys

FFMPEG = "ffmpeg -nostdin -v error -y"
RATE = 16_000
# A second is a number of three digits of this base, each of which is a tone in a band of its own.
BASE, FIRST_HZ, STEP_HZ = 24, 400, 40
WINDOW, HOP = 1024, 64
# Kinds by name, made from MASTER, or from other kinds. JOINED is the second half of the master.
KINDS = {
    "mp3-cbr.mp3": f"{FFMPEG} -i MASTER -ar 44100 -c:a libmp3lame -b:a 64k -compression_level 9 OUT",
    "mp3-vbr.mp3": f"{FFMPEG} -i MASTER -ar 44100 -c:a libmp3lame -q:a 7 -compression_level 9 OUT",
    "mp3-vbr-no-index.mp3": f"{FFMPEG} -i mp3-vbr.mp3 -c copy -write_xing 0 OUT",
    "mp3-vbr-cut.mp3": "head -c HALF mp3-vbr.mp3 > OUT",
    "mp3-vbr-joined.mp3": "{ cat mp3-vbr.mp3; cat HALF.mp3; } > OUT",
    "mp3-low-rate.mp3": f"{FFMPEG} -i MASTER -ar 22050 -c:a libmp3lame -q:a 7 -compression_level 9 OUT",
    "adts.aac": f"{FFMPEG} -i MASTER -ar 44100 -c:a aac -aac_coder fast -b:a 64k OUT",
    "aac.m4a": f"{FFMPEG} -i adts.aac -c copy OUT",
    "fragments.mp4": f"{FFMPEG} -i aac.m4a -c copy -movflags frag_keyframe+empty_moov -frag_duration 2000000 OUT",
    "opus.opus": f"{FFMPEG} -i MASTER -c:a libopus -b:a 24k -compression_level 0 OUT",
    "opus-chained.opus": "{ cat opus.opus; cat HALF.opus; } > OUT",
    "opus-cut.opus": f"{FFMPEG} -ss HALF_S -i opus.opus -c copy -copyts OUT",
    "opus.webm": f"{FFMPEG} -i opus.opus -c copy OUT",
    "opus-no-cues.webm": f"{FFMPEG} -i opus.opus -c copy -live 1 OUT",
    "aac.mkv": f"{FFMPEG} -i adts.aac -c copy OUT",
    "aac.ts": f"{FFMPEG} -i adts.aac -c copy OUT",
    "pcm.wav": f"{FFMPEG} -i MASTER -c copy OUT",
    "flac.flac": f"{FFMPEG} -i MASTER -compression_level 0 OUT",
    "alac.m4a": f"{FFMPEG} -i MASTER -ar 44100 -c:a alac OUT",
    "pcm.aiff": f"{FFMPEG} -i MASTER -ar 44100 OUT",
    "adpcm.wav": f"{FFMPEG} -i MASTER -c:a adpcm_ima_wav OUT",
    "vorbis.ogg": f"{FFMPEG} -i MASTER -ar 44100 -c:a libvorbis -q:a 0 OUT",
    "video.mp4": f"{FFMPEG} -f lavfi -i PICTURE -i aac.m4a -c:v libx264 -preset ultrafast -c:a copy -shortest OUT",
    "late-video.mp4": f"{FFMPEG} -f lavfi -i PICTURE -itsoffset 2.5 -i aac.m4a -c:v libx264 -preset ultrafast -c:a copy -shortest OUT",
}
HELPERS = {
    "HALF.mp3": f"{FFMPEG} -ss HALF_S -i MASTER -ar 44100 -c:a libmp3lame -q:a 7 -compression_level 9 OUT",
    "HALF.opus": f"{FFMPEG} -ss HALF_S -i MASTER -c:a libopus -b:a 24k -compression_level 0 OUT",
}


def tones(second):
    """Returns the frequencies of a second."""
    digits = (second % BASE, second // BASE % BASE, second // BASE**2 % BASE)
    return [FIRST_HZ + STEP_HZ * (BASE * band + digit) for band, digit in enumerate(digits)]


def wave(hertz):
    window = [0.5 - 0.5 * math.cos(2 * math.pi * at / WINDOW) for at in range(WINDOW)]
    angles = [2 * math.pi * hertz * at / RATE for at in range(WINDOW)]
    return ([math.cos(a) * w for a, w in zip(angles, window)], [math.sin(a) * w for a, w in zip(angles, window)])


WAVES = {FIRST_HZ + STEP_HZ * number: wave(FIRST_HZ + STEP_HZ * number) for number in range(3 * BASE)}


def energy(samples, hertz):
    return sum(sum(map(operator.mul, samples, table)) ** 2 for table in WAVES[hertz])


def second_of(samples):
    """Returns the second whose chord sounds in a window."""
    bands = [[energy(samples, FIRST_HZ + STEP_HZ * (BASE * band + digit)) for digit in range(BASE)] for band in range(3)]
    digits = [band.index(max(band)) for band in bands]
    return digits[0] + BASE * digits[1] + BASE**2 * digits[2]


def change(samples, second):
    """Returns the place in `samples`, in seconds, at which the chord of a second begins, or None."""
    before, after = set(tones(second - 1)), set(tones(second))
    was, is_now = before - after, after - before
    places = range(0, len(samples) - WINDOW, HOP)
    pairs = [[sum(energy(samples[at : at + WINDOW], hertz) for hertz in chord) for chord in (was, is_now)] for at in places]
    # Elsewhere, neither of the chords sounds.
    least = 0.25 * max((sum(pair) for pair in pairs), default=0)
    shares = [new / (old + new) if old + new > least else None for old, new in pairs]
    for at, last, share in zip(places, shares, shares[1:]):
        if last is not None and share is not None and last < 0.5 <= share:
            return (at + (0.5 - last) / (share - last) * HOP + WINDOW / 2) / RATE
    return None


def make(folder, names, seconds):
    """Makes the recordings. Those that are there are kept."""
    if seconds > BASE**3:
        sys.exit(f"at most {BASE**3} seconds can be told apart")
    half = seconds // 2
    master = folder / "MASTER.wav"
    chord = "+".join(f"sin(2*PI*t*({FIRST_HZ + STEP_HZ * BASE * band}+{STEP_HZ}*mod(floor(t/{BASE**band}),{BASE})))" for band in range(3))
    # Noise in between makes the bit rate variable.
    expression = f"0.2*({chord})+0.05*gt(mod(t,97),50)*(random(0)-0.5)".replace(",", r"\,")
    sound = f"aevalsrc={expression}:s={RATE}:d={seconds}"
    if not master.exists():
        shell(f"{FFMPEG} -f lavfi -i '{sound}' MASTER.wav", folder)
    needed, commands = list(names), {**HELPERS, **KINDS}
    for name in needed:
        needed += [word for word in re.findall(r"[\w-]+\.\w+", commands[name]) if word in commands and word not in needed]
    for name in sorted(needed, key=lambda name: list(commands).index(name)):
        if (folder / name).exists():
            continue
        command = commands[name].replace("HALF_S", str(half)).replace("MASTER", "MASTER.wav").replace("OUT", name)
        command = command.replace("PICTURE", f"color=s=64x64:r=5:d={seconds}")
        if "head -c HALF" in command:
            command = command.replace("-c HALF", f"-c {(folder / 'mp3-vbr.mp3').stat().st_size * 6 // 10}")
        try:
            shell(command, folder)
        except SystemExit:
            (folder / name).unlink(missing_ok=True)
            raise


def shell(command, folder):
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.strip()}")
