"""Measures of subtitles, as the style guides and papers define them."""

import re
from dataclasses import dataclass, field

from .lexicon import LEXICONS

MAX_CPS = 20
MAX_CHARS = 42
MIN_S, MAX_S = 0.83, 7.0
LABEL = re.compile(r"^(?:\[speaker \d+\]\n|(?:Speaker|Channel) \d+:\s)")
TIMES = re.compile(r"(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})")
CLAUSE_ENDS = ".?!,;:…–—"


@dataclass
class Cue:
    start: float
    end: float
    lines: list
    words: list


def read(text):
    """Reads SubRip subtitles. Labels are not part of the words."""
    cues = []
    for block in re.split(r"\n\n+", text.strip()):
        _, times, *lines = block.split("\n")
        numbers = list(map(int, TIMES.fullmatch(times.strip()).groups()))
        start, end = (h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (numbers[:4], numbers[4:]))
        spoken = LABEL.sub("", "\n".join(lines))
        cues.append(Cue(start, end, lines, spoken.split()))
    return cues


@dataclass
class Counts:
    """Counts of faults, and of what they are a share of."""

    cues: int = 0
    lines: int = 0
    faults: dict = field(default_factory=dict)

    def add(self, name, count):
        self.faults[name] = self.faults.get(name, 0) + count

    def __add__(self, other):
        total = Counts(self.cues + other.cues, self.lines + other.lines, dict(self.faults))
        for name, count in other.faults.items():
            total.add(name, count)
        return total

    def share(self, name):
        """Returns the share in per cent."""
        return 100 * self.faults.get(name, 0) / max(self.lines if name == LONG_LINES else self.cues, 1)


FAST, LONG_LINES = "cues above 20 characters a second, %", "lines above 42 characters, %"
SHORT, LONG = "cues shorter than 0.83 s, %", "cues longer than 7 s, %"
CLAUSE, WEAK = "cue ends at a clause, %", "ends on a weak word, %"
ALONE, MIXED = "one word alone after a full cue, %", "two speakers in a cue, %"
FASTER = "cues above 30 characters a second, %"
# Each row, and what is wanted: at most this, or at least this for the one row where more is better.
WANTED = {FAST: 6, LONG_LINES: 0, SHORT: 0.5, LONG: 0, CLAUSE: 88, WEAK: 3, ALONE: 0.3, MIXED: 0, FASTER: 1.2}


def measure(text, turns, language):
    """Counts the faults of subtitles that show these turns."""
    cues, weak = read(text), LEXICONS[language].weak
    counts = Counts(len(cues), sum(len(cue.lines) for cue in cues))
    speakers = speakers_of(cues, turns)
    before = None
    for cue, spoken_by in zip(cues, speakers):
        length = max(cue.end - cue.start, 0.001)
        speed = len(" ".join(cue.words)) / length
        last = cue.words[-1] if cue.words else ""
        counts.add(FAST, speed > MAX_CPS + 0.01)
        counts.add(FASTER, speed > 30)
        counts.add(LONG_LINES, sum(len(line) > MAX_CHARS for line in cue.lines))
        counts.add(SHORT, length < MIN_S - 0.0005)
        counts.add(LONG, length > MAX_S + 0.0005)
        counts.add(CLAUSE, last.endswith(tuple(CLAUSE_ENDS)))
        counts.add(WEAK, last.lower() in weak)
        counts.add(ALONE, is_alone(cue, before))
        counts.add(MIXED, len(spoken_by) > 1)
        before = cue
    return counts


def is_alone(cue, before):
    """Whether a cue has one word that ends the sentence of the full cue before."""
    is_full = before is not None and len(" ".join(before.words)) > MAX_CHARS
    return len(cue.words) == 1 and is_full and not before.words[-1].endswith((".", "?", "!"))


def speakers_of(cues, turns):
    """Returns the speakers of the words of each cue, by the words that are spoken at its time."""
    waiting = {}
    for turn in turns:
        for word in turn:
            waiting.setdefault(word["text"], []).append(word)
    found = []
    for cue in cues:
        speakers = set()
        for text in cue.words:
            words = [word for word in waiting.get(text, []) if word["start"] >= cue.start - 1.0]
            if words:
                first = words[0]
                waiting[text].remove(first)
                speakers.add(first["speaker"])
        found.append(speakers)
    return found
