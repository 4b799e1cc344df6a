"""Seeks in the player of a page, and hears whether what sounds is what is in the recording there."""

import array
import os
import subprocess
import tempfile

from tones import FFMPEG, RATE, WINDOW, change, second_of

# Opens a recording, and returns its length.
OPEN = """
const [url, done] = arguments;
const transcript = document.getElementById('transcript');
const open = () => {
  // The page may show another player once it knows the kind of the recording.
  if (transcript && !transcript.classList.contains('is-ready')) return setTimeout(open, 20);
  const audio = window.audio = document.getElementById('player') || document.createElement('video');
  const context = window.context = window.context || new AudioContext({sampleRate: 16000});
  audio.preload = 'auto';
  audio.src = url;
  audio.onerror = () => done({error: audio.error.message || String(audio.error.code)});
  audio.onloadedmetadata = () => {
    const analyser = window.analyser = context.createAnalyser();
    analyser.fftSize = 32768;
    context.createMediaElementSource(audio).connect(analyser);
    analyser.connect(context.destination);
    context.resume().then(() => done({duration: audio.duration}));
  };
};
open();
"""
# Seeks, plays for a while, and returns what was heard until the player's time `now`.
SEEK = """
const [to, isClick, done] = arguments;
const spans = document.querySelectorAll('#transcript span');
audio.onerror = () => done({error: audio.error.message || String(audio.error.code)});
const started = performance.now();
audio.onseeked = () => {
  const sought = performance.now() - started;
  const from = audio.currentTime;
  audio.play();
  const listen = () => {
    if (audio.currentTime < from + 1.7 && performance.now() - started < 15000) return requestAnimationFrame(listen);
    const heard = new Float32Array(32768);
    analyser.getFloatTimeDomainData(heard);
    const now = audio.currentTime;
    const marked = Array.from(spans).findIndex(span => span.classList.contains('is-spoken'));
    audio.pause();
    done({now, marked, sought, heard: Array.from(heard, value => Math.round(value * 32767))});
  };
  listen();
};
if (isClick) spans[to].click();
else audio.currentTime = to;
"""
CLOSE = "audio.onerror = null; audio.removeAttribute('src'); audio.load(); arguments[0]();"


def listen(browser, url, path, seeks, late_s, seconds, is_click):
    """Seeks in a recording. Returns the length that the browser states, and how far each seek is off, in seconds."""
    opened = browser.run(OPEN, url)
    if "error" in opened:
        return None, [], opened["error"]
    offs, problem, slowest = [], "", 0
    with tempfile.NamedTemporaryFile() as decoded:
        subprocess.run([*FFMPEG.split(), "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", decoded.name], check=True, stderr=subprocess.DEVNULL)
        true = lambda at: read(decoded.name, at)
        length = os.path.getsize(decoded.name) / 2 / RATE
        for place in seeks:
            to = late_s + 3 + place * (length - 8)
            heard = browser.run(SEEK, int(to - late_s) if is_click else to, is_click)
            if "error" in heard:
                return opened["duration"], offs, heard["error"]
            word = int(heard["now"] - late_s)
            if is_click and heard["marked"] not in (word, int(heard["now"] - late_s - 0.1)):
                problem = f"word {heard['marked']} is marked in second {word}"
            slowest = max(slowest, heard["sought"])
            off = compare(heard["heard"], heard["now"] - late_s, true, (-(seconds // 2), seconds - seconds // 2))
            if off is None:
                problem = f"what sounds at {to:.1f} is not in the recording there"
            else:
                offs.append(off)
    browser.run(CLOSE)
    return opened["duration"], offs, problem or f"slowest seek {slowest:.0f} ms"


def read(path, at):
    """Returns a second and a half of decoded sound from `at` on, in seconds, and its true start."""
    start = max(0, round((at - 0.75) * RATE))
    with open(path, "rb") as file:
        file.seek(2 * start)
        samples = array.array("h")
        samples.frombytes(file.read(3 * RATE))
    return start / RATE, samples


def compare(heard, now, true, shifts):
    """Returns how far the player's time `now` is off, at which `heard` ends. `shifts` are those of parts of the recording."""
    start = now - len(heard) / RATE
    # Two seconds sound at the end if one begins there.
    return next((off for off in (off_of(heard, now, true, shifts, back) for back in (0, RATE // 4)) if off is not None), None)


def off_of(heard, now, true, shifts, back):
    """Does so for the second that sounds `back` samples before the end of `heard`."""
    second = second_of(heard[len(heard) - WINDOW - back :][:WINDOW])
    place = change(heard[-RATE - 4 * WINDOW :], second)
    if place is None:
        return None
    claimed = now - (RATE + 4 * WINDOW) / RATE + place
    # Joined recordings repeat seconds, and cut ones begin later. The place near the player's time comes first.
    for around in (claimed, second, *(second + shift for shift in shifts)):
        from_s, samples = true(around)
        found = change(samples, second)
        if found is not None and second_of(samples[int(found * RATE) + 200 :][:WINDOW]) == second:
            return claimed - from_s - found
    return None
