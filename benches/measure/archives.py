"""Work on whole archives: long lists, exports, and a night of many small recordings."""

import time

from .configuration import write_config
from .end_to_end import Comparison, seconds
from .figures import at_least, at_most, median
from .machine import MeasurementError
from .prefilled import fill

KIB = 1024
TABLE_HEAD = 2  # lines before the first item


def night(machine):
    """100,000 small recordings end to end: throughput and peak memory"""
    count = 5_000 if machine.quick else 100_000
    run = Comparison(machine, count, size=4 * KIB).nightscribe()
    what = f"night of {count:,} small recordings"
    return [
        at_least(what, count / run.seconds, 2500, "files/s"),
        at_most(f"{what}, peak memory", run.peak_mib, 48, "MiB"),
    ]


def listing(machine):
    """`list` and `list --json` of 100,000 items: peak memory, time, and time to the first line"""
    count = 10_000 if machine.quick else 100_000
    home = machine.folder()
    (home / "recordings").mkdir()
    config = write_config(home, home / "recordings")
    fill(machine, home, config, done=count)
    figures = []
    for options in ((), ("--json",)):
        command = (machine.nightscribe, "--config", config, "list", *options)
        runs = [machine.run(*command) for _ in range(machine.rounds)]
        first = [first_item_s(machine, command) for _ in range(machine.rounds)]
        what = " ".join(("list", *options, f"of {count:,} items"))
        figures += [
            at_most(f"{what}, peak memory", max(run.peak_mib for run in runs), 32, "MiB"),
            at_most(f"{what}, first item", median(first, float) * 1000, 50, "ms"),
            at_most(what, median(runs, seconds), 1.5 * count / 100_000, "s"),
        ]
    return figures


def first_item_s(machine, command):
    """Returns the seconds from the start of a list to its first item."""
    began = time.perf_counter()
    with machine.started(*command) as process:
        lines = 1 if "--json" in command else TABLE_HEAD
        if not all(process.stdout.readline() for _ in range(lines)):
            raise MeasurementError("the list has no item")
        return time.perf_counter() - began


def export(machine):
    """`export --all` of 10,000 results in one format ÷ the run that made them in two"""
    count = 1000 if machine.quick else 10_000
    comparison = Comparison(machine, count, size=4 * KIB)
    ratios, details = [], []
    for _ in range(machine.rounds):
        run = comparison.nightscribe()
        config = comparison.last_home / "nightscribe.toml"
        exported = machine.run(machine.nightscribe, "--config", config, "export", "--all", "--format", "srt")
        written = sum(1 for _ in (comparison.last_home / "transcripts").rglob("*.srt"))
        if written != count:
            raise MeasurementError(f"{written} of {count} files were exported")
        ratios.append(exported.seconds / run.seconds)
        details.append((exported, run))
    took = " / ".join(f"{median([pair[side] for pair in details], seconds):.2f}" for side in (0, 1))
    return [at_most(f"export of {count:,} results ÷ their run", median(ratios, float), 0.3, "×", f"{took} s")]
