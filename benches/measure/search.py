"""Search in transcripts of an hour, compared with ripgrep over the same text."""

import itertools
import json
import random
import shutil
import sqlite3
import statistics
import time
import zlib

from .configuration import write_config
from .figures import at_least, at_most
from .machine import MeasurementError
from .prefilled import fill

WORDS = 9000  # of an hour
VOCABULARY = 20_000
SYLLABLES = "st an re qu bo mi lo tra ke pu sho in wel da fri gho ex um pre con".split()


def search(machine):
    """search in 10,000 transcripts of an hour ÷ ripgrep, and the size of the index"""
    if shutil.which("rg") is None:
        raise MeasurementError("the row search needs ripgrep (package ripgrep)")
    count = 300 if machine.quick else 10_000
    home = machine.folder()
    (home / "recordings").mkdir()
    config = write_config(home, home / "recordings")
    fill(machine, home, config, done=count)
    texts = home / "texts"
    texts.mkdir()
    vocabulary, text_bytes = write_transcripts(home, texts, count)
    began = time.perf_counter()
    machine.run(machine.nightscribe, "--config", config, "search", "--rebuild")
    indexing = (time.perf_counter() - began) / count * 1000
    index_bytes = size_of_index(home)
    figures = [at_most("index ÷ text", index_bytes / text_bytes, 0.6, "×", f"{indexing:.1f} ms for a transcript")]
    for kind, queries in queries_of(vocabulary).items():
        ours, theirs = [], []
        for query, pattern in queries * machine.rounds:
            ours.append(machine.run(machine.nightscribe, "--config", config, "search", "--json", query).seconds)
            theirs.append(machine.run("rg", "--ignore-case", "--count", pattern, texts).seconds)
        slowest = statistics.quantiles(ours, n=20)[-1]
        what = f"search for {kind} in {count:,} transcripts"
        figures.append(at_most(f"{what}, 95th percentile", slowest * 1000, 30, "ms", evidence="time-of-a-search"))
        ratio = statistics.median(theirs) / statistics.median(ours)
        figures.append(at_least(f"ripgrep ÷ {what}", ratio, 25, evidence="time-of-a-search"))
    return figures


def queries_of(vocabulary):
    """Returns the queries of each kind, with the patterns that ripgrep searches. The vocabulary is in the order of frequency."""
    words = [vocabulary[rank] for rank in (0, 3, 10, 30, 100, 300, 1000, 3000)]
    pairs = list(zip(vocabulary[:4], vocabulary[2:6], strict=True))
    prefixes = [word[:5] for word in words[3:]]
    short = [word[:length] for word in words[:4] for length in (2, 3)]
    return {
        "words": [(word, rf"\b{word}\b") for word in words],
        "phrases": [(f'"{one} {two}"', rf"\b{one}\s+{two}\b") for one, two in pairs],
        "prefixes": [(f"{prefix}*", rf"\b{prefix}\w*") for prefix in prefixes],
        "short prefixes": [(f"{prefix}*", rf"\b{prefix}\w*") for prefix in short],
    }


def write_transcripts(home, texts, count):
    """Gives the jobs transcripts, also as text files. Returns the vocabulary and the size of the text in bytes."""
    dice = random.Random(7)
    vocabulary = {}
    while len(vocabulary) < VOCABULARY:
        vocabulary["".join(dice.choices(SYLLABLES, k=dice.choice((2, 3, 3, 4))))] = None
    vocabulary = list(vocabulary)
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
    database = sqlite3.connect(home / "state" / "nightscribe.db")
    database.execute("PRAGMA synchronous = OFF")
    size = 0
    for job in range(1, count + 1):
        words = dice.choices(vocabulary, cum_weights=weights, k=WORDS)
        text = " ".join(words)
        size += len(text)
        (texts / f"{job}.txt").write_text("\n".join(" ".join(words[at : at + 12]) for at in range(0, WORDS, 12)))
        timed = [{"word": word, "start": at * 0.4, "end": at * 0.4 + 0.3} for at, word in enumerate(words)]
        channels = [{"alternatives": [{"transcript": text, "words": timed}]}]
        answer = {"metadata": {"duration": 3600.0, "channels": 1}, "results": {"channels": channels}}
        raw = zlib.compress(json.dumps(answer).encode(), level=1, wbits=31)
        database.execute("UPDATE results SET raw = ?, words = ? WHERE job_id = ?", (raw, WORDS, job))
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return vocabulary, size


def size_of_index(home):
    database = sqlite3.connect(home / "state" / "nightscribe.db")
    columns = (("data", "block"), ("docsize", "sz"))
    queries = [
        f"SELECT sum(length({column})) FROM {table}_{part}"
        for table in ("transcript_search", "search_beginnings")
        for part, column in columns
    ]
    size = sum(database.execute(query).fetchone()[0] for query in queries)
    database.close()
    return size
