"""Measured values and their requirements."""

import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    """One line of the table.

    `holds` is None if the value is shown only for comparison. `evidence` names the section of docs/performance.md that shows why
    the requirement cannot be met on this kind of machine."""

    what: str
    measured: str
    required: str = ""
    holds: bool | None = None
    evidence: str = ""

    @property
    def falls_short(self):
        return self.holds is False and not self.evidence

    @property
    def verdict(self):
        if self.holds is None:
            return ""
        if self.holds:
            return "ok"
        return f"closed by evidence: docs/performance.md#{self.evidence}" if self.evidence else "SHORT"


def at_least(what, value, least, unit="×", detail="", evidence=""):
    return Figure(what, shown(value, unit, detail), f"≥ {least:g} {unit}".rstrip(), value >= least, evidence)


def at_most(what, value, most, unit, detail="", evidence=""):
    return Figure(what, shown(value, unit, detail), f"≤ {most:g} {unit}".rstrip(), value <= most, evidence)


def shown(value, unit, detail=""):
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 0.1 else 4
    return f"{value:,.{digits}f} {unit}".rstrip() + (f" ({detail})" if detail else "")


def median(runs, of):
    return statistics.median(of(run) for run in runs)


def ratio(ours, theirs, of):
    """Returns the median of the ratios of each round, so that drift between rounds has no effect."""
    return statistics.median(of(a) / of(b) for a, b in zip(ours, theirs, strict=True))


def print_table(rows):
    """Prints the table as Markdown."""
    lines = [("row", "what", "measured", "required", "")]
    for row, figures in rows:
        lines += [(row, figure.what, figure.measured, figure.required, figure.verdict) for figure in figures]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
