"""Recordings, made up."""

import random
import struct

LARGE_RATE = 8_000_000


def wav_head(data_bytes, rate):
    """The head of a WAV file of 8 bits a sample, one channel."""
    fmt = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    return b"RIFF" + struct.pack("<I", len(fmt) + 8 + data_bytes) + fmt + b"data" + struct.pack("<I", data_bytes)


def clips(folder, count, size):
    """So many files of `size` bytes of noise, each another."""
    folder.mkdir()
    noise = random.Random(1)
    head = wav_head(size - 44, 16_000)
    for number in range(count):
        (folder / f"clip-{number:06}.wav").write_bytes(head + noise.randbytes(size - 44))
    return folder


def tree(folder, folders, files):
    """So many empty files in each of so many folders."""
    for number in range(folders):
        below = folder / f"d{number:04}"
        below.mkdir(parents=True)
        for file in range(files):
            (below / f"clip-{file:04}.wav").touch()
    return folder


def large(folder, count, size):
    """Files of `size` bytes, nearly all of it holes: reading them is the page cache's work, not the disk's. They differ in
    the first of their sound; by their head it is a few minutes of it, so that the transcript is small."""
    folder.mkdir()
    paths = []
    for number in range(count):
        path = folder / f"large-{number}.wav"
        with path.open("wb") as file:
            file.write(wav_head(size - 44, LARGE_RATE) + bytes([number]))
            file.truncate(size)
        paths.append(path)
    return paths


def timed(folder, seconds, takes_ms):
    """Recordings of so many seconds, whose names tell the service how long it takes for each."""
    folder.mkdir()
    noise, rate = random.Random(2), 100
    for number, (length, takes) in enumerate(zip(seconds, takes_ms, strict=True)):
        data = noise.randbytes(int(length * rate) // 2 * 2)
        (folder / f"{number:05}-{takes:.0f}ms.wav").write_bytes(wav_head(len(data), rate) + data)
    return folder
