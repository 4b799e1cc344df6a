"""Subtitles of other programs. Each function returns SubRip subtitles of turns, which are lists of words."""

import importlib.util
import itertools
import pathlib
import sys
import tarfile
import types
from unittest import mock


# Modules that stable-ts imports for audio and models. They take gigabytes, and its work with words does not use them.
TORCH = ("torch", "torch.nn", "torch.nn.functional", "torch.utils", "torch.utils.data", "torchaudio")


def deepgram_captions(turns, _):
    """Deepgram's own package, with its settings."""
    import deepgram_captions

    utterances = [
        {
            "start": turn[0]["start"],
            "end": turn[-1]["end"],
            "transcript": " ".join(word["text"] for word in turn),
            "words": [word | {"word": word["text"], "punctuated_word": word["text"]} for word in turn],
        }
        for turn in turns
    ]
    return deepgram_captions.srt(deepgram_captions.DeepgramConverter({"results": {"channels": [], "utterances": utterances}}))


def in_order(turns):
    """Returns the words of all channels in order and without overlap, in runs of one speaker: the programs know one channel."""
    words = sorted((word for turn in turns for word in turn), key=lambda word: word["start"])
    ends = [following["start"] for following in words[1:]] + [float("inf")]
    words = [word | {"end": min(word["end"], latest)} for word, latest in zip(words, ends)]
    return [list(run) for _, run in itertools.groupby(words, key=lambda word: word["speaker"])]


def segments(turns):
    turns = in_order(turns)

    def word(one):
        return {"word": " " + one["text"], "start": one["start"], "end": one["end"], "probability": 0.9}

    return [
        {
            "id": number,
            "start": turn[0]["start"],
            "end": turn[-1]["end"],
            "text": "".join(" " + one["text"] for one in turn),
            "words": [word(one) for one in turn],
        }
        for number, turn in enumerate(turns)
    ]


def whisper(turns, _):
    """The writer of openai-whisper, with two lines of 42 characters. Its module needs no other package of whisper."""
    utils = whisper_utils()
    writer = utils.WriteSRT("")
    cues = writer.iterate_result({"segments": segments(turns)}, {"max_line_width": 42, "max_line_count": 2})
    return "".join(f"{number}\n{start} --> {end}\n{text}\n\n" for number, (start, end, text) in enumerate(cues, 1))


def whisper_utils():
    path = pathlib.Path(importlib.util.find_spec("deepgram_captions").origin).parent.parent / "openai-whisper"
    archive = next(path.glob("openai_whisper-*.tar.gz"))
    with tarfile.open(archive) as files:
        member = next(name for name in files.getnames() if name.endswith("/whisper/utils.py"))
        text = files.extractfile(member).read()
    module = types.ModuleType("whisper_utils")
    exec(compile(text, member, "exec"), module.__dict__)
    return module


def stable_ts(turns, language):
    """stable-ts, with its default regrouping. It imports torch but does not use it to regroup words."""
    with mock.patch.dict(sys.modules, {name: mock.MagicMock() for name in TORCH}):
        result = importlib.import_module("stable_whisper.result")
    words = {"segments": segments(turns), "language": language}
    found = result.WhisperResult(words)
    found.regroup()
    return found.to_srt_vtt(filepath=None, word_level=False)


PEERS = {"deepgram-captions": deepgram_captions, "whisper 42×2": whisper, "stable-ts": stable_ts}
