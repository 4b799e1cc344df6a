#!/usr/bin/env python3
"""Reads each format with two independent readers, and compares the texts and times with the result of the service.

    check.py NIGHTSCRIBE PACKAGES

NIGHTSCRIBE is the program. PACKAGES is a folder with the packages of requirements.txt. Exits with 1 if a reader fails or reads
something else."""

import pathlib
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[2])

import stored  # noqa: E402
from readers import READERS  # noqa: E402

# A label in front of right-to-left text has a direction mark.
LABEL = re.compile(r"^\s*\u200f?(Speaker|Channel) \d+:\s")
# Formats whose characters are replaced by ones that mean the same: quotation marks in tsv, brackets in lrc, arrows in srt and vtt.
SAME = str.maketrans({"“": '"', "”": '"', "(": "[", ")": "]"})
# Largest difference of a start, in seconds, and whether an end is that of the last word. Otherwise it may be later.
PRECISION = {"lrc": 0.0101, "md": 1, "html": 1, "docx": 1}
EXACT_ENDS = {"tsv", "aud", "podcast.json", "whisperx.json", "json"}

TEXTS = {
    "en": '"Never," he said, [loudly] & first. "Yes: it is #1!"\n* Second voice; it <3 costs $3 _or_ more.\n'
    "# Dr. Brown's *own* `idea` — isn't it? | No\\yes ~ 50 % & &amp; more.",
    "de": "Grüß Gott, meine Damen und Herren! Über 1.000 Straßen „wurden“ gezählt.\nJa: 3,5 km weiter.",
    "zh": "今天 我们 谈 一 谈 夜里 的 录音 。 他 说 ： 三百 个 文件 ， 都 在 。\n好 的 ！",
    "ar": "مرحبا بكم، اليوم نتحدث عن التسجيلات.\nنعم، هذا صحيح؟",
    "hi": "आज हम रात की रिकॉर्डिंग के बारे में बात करते हैं।\nठीक है।",
}


def words(text, shift=0.0):
    """Returns the words of a text, with a speaker for each line."""
    spoken, at = [], shift
    for speaker, line in enumerate(text.split("\n")):
        for word in line.split():
            end = at + 0.12 + 0.031 * len(word)
            spoken.append(
                {
                    "word": word.lower(),
                    "punctuated_word": word,
                    "start": round(at, 3),
                    "end": round(end, 3),
                    "confidence": 0.9,
                    "speaker": speaker % 2,
                }
            )
            at = end + 0.037
        at += 2.2
    return spoken


def result(channels, spaced=True):
    transcripts = [(" " if spaced else "").join(word["punctuated_word"] for word in one) for one in channels]
    alternatives = [
        {"alternatives": [{"transcript": text, "confidence": 0.9, "words": one}]}
        for text, one in zip(transcripts, channels)
    ]
    ends = [word["end"] for one in channels for word in one]
    return {
        "metadata": {"duration": max(ends, default=5.0) + 1, "channels": len(channels)},
        "results": {"channels": alternatives},
    }


def plain(text):
    """Returns the visible characters, without the label."""
    return "".join(LABEL.sub("", text).translate(SAME).split())


def compare(items, spoken, extension):
    """Compares what a reader read with the words of a channel, in order. Returns the problems."""
    expected = "".join(plain(word["punctuated_word"]) for word in spoken)
    read = "".join(plain(text) for _, _, text in items)
    if read != expected:
        return [f"the text is {read!r}, not {expected!r}"]
    ends = [0]
    for word in spoken:
        ends.append(ends[-1] + len(plain(word["punctuated_word"])))
    problems, at = [], 0
    for start, end, text in items:
        length = len(plain(text))
        if at not in ends or at + length not in ends:
            problems.append(f"{text!r} ends within a word")
            break
        first, last = spoken[ends.index(at)], spoken[ends.index(at + length) - 1]
        if start is not None and abs(start - first["start"]) > PRECISION.get(extension, 0.0011):
            problems.append(f"{text!r} starts at {start}, not at {first['start']}")
        if end is not None and extension in EXACT_ENDS and abs(end - last["end"]) > 0.0011:
            problems.append(f"{text!r} ends at {end}, not at {last['end']}")
        if end is not None and end < last["end"] - 0.0011:
            problems.append(f"{text!r} ends at {end}, before its last word at {last['end']}")
        at += length
    return problems


def of_channel(items, number):
    """Returns the items of a channel, by their labels. An item without a label is of the channel of the one before."""
    found, current = [], None
    for start, end, text in items:
        label = re.match(r"\s*Channel (\d+):\s", text)
        current = int(label.group(1)) if label else current
        if current == number:
            found.append((start, end, text))
    return found


def main():
    results = {
        name: (result([words(text)], name != "zh"), {"language": name, "diarize": True}, "nova-2-general")
        for name, text in TEXTS.items()
    }
    channels = [words(TEXTS["en"]), words(TEXTS["en"].replace("Second", "Other"), 1.05)]
    for word in channels[0] + channels[1]:
        del word["speaker"]
    results["channels"] = (result(channels), {"language": "en", "multichannel": True}, "nova-2-general")
    results["silence"] = (result([[]]), {"language": "en"}, "nova-2-general")
    problems, checked = [], 0
    with tempfile.TemporaryDirectory() as folder:
        files = stored.export(pathlib.Path(sys.argv[1]).resolve(), folder, results, ["all", "docx"])
        for extension, readers in READERS.items():
            for reader in readers:
                for name in results:
                    path = files / f"{name}.{extension}"
                    try:
                        items = reader(path)
                        found = check(name, items, channels, extension)
                    except Exception as error:
                        found = [f"{type(error).__name__}: {error}"]
                    problems += [f"{path.name}, {reader.__qualname__}: {problem}" for problem in found]
                    checked += 1
        problems += check_text(files)
    print("\n".join(problems), file=sys.stderr)
    print(f"{checked} files read, {len(problems)} problems")
    return 1 if problems else 0


def check(name, items, channels, extension):
    if name == "silence":
        return [f"silence reads as {items}"] if len(items) > 1 else []
    if name != "channels":
        return compare(items, words(TEXTS[name]), extension)
    if not any("Channel" in text for _, _, text in items):
        # The reader keeps the names of the speakers apart, so only the number of characters can be compared.
        spoken = sum(len(plain(word["punctuated_word"])) for one in channels for word in one)
        read = sum(len(plain(text)) for _, _, text in items)
        return [] if read == spoken else [f"{read} characters instead of {spoken}"]
    return [problem for number, one in enumerate(channels, 1) for problem in compare(of_channel(items, number), one, extension)]


def check_text(files):
    problems = []
    for name, text in TEXTS.items():
        lines = (files / f"{name}.txt").read_text().split("\n")
        if "".join(map(plain, lines)) != "".join(map(plain, text.split("\n"))):
            problems.append(f"{name}.txt has another text: {lines}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
