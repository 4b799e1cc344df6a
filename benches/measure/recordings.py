"""Generated recordings."""

import random
import struct

LARGE_RATE = 8_000_000


def wav_header(data_bytes, rate):
    """Returns the header of a WAV file with 8 bits per sample and one channel."""
    fmt = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    return b"RIFF" + struct.pack("<I", len(fmt) + 8 + data_bytes) + fmt + b"data" + struct.pack("<I", data_bytes)


def clips(folder, count, size):
    """Creates `count` files of noise with `size` bytes, all different."""
    folder.mkdir()
    noise = random.Random(1)
    header = wav_header(size - 44, 16_000)
    for number in range(count):
        (folder / f"clip-{number:06}.wav").write_bytes(header + noise.randbytes(size - 44))
    return folder


def tree(folder, folders, files):
    """Creates `folders` folders with `files` empty files each."""
    for number in range(folders):
        subfolder = folder / f"d{number:04}"
        subfolder.mkdir(parents=True)
        for file in range(files):
            (subfolder / f"clip-{file:04}.wav").touch()
    return folder


def large(folder, count, size):
    """Creates sparse files of `size` bytes, so that reading them does not use the disk.

    They differ in the first byte of audio. Their header declares only a few minutes, so that the transcripts are small.
    """
    folder.mkdir()
    paths = []
    for number in range(count):
        path = folder / f"large-{number}.wav"
        with path.open("wb") as file:
            file.write(wav_header(size - 44, LARGE_RATE) + bytes([number]))
            file.truncate(size)
        paths.append(path)
    return paths


def timed(folder, seconds, processing_ms):
    """Creates recordings of the given lengths. Their names contain the processing time of the service."""
    folder.mkdir()
    noise, rate = random.Random(2), 100
    for number, (length, takes_ms) in enumerate(zip(seconds, processing_ms, strict=True)):
        data = noise.randbytes(int(length * rate) // 2 * 2)
        (folder / f"{number:05}-{takes_ms:.0f}ms.wav").write_bytes(wav_header(len(data), rate) + data)
    return folder
