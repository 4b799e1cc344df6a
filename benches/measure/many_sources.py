"""Configurations with thousands of sources."""

from .configuration import write_config
from .end_to_end import seconds
from .figures import at_most, median

SOURCE = """
[[source]]
name = "s{number:05}"
path = "recordings/s{number:05}"
settle = "0s"
"""


def sources(machine):
    """10,000 sources with nothing to do: `check`, and `run --once`; and a third of them"""
    most = 1000 if machine.quick else 10_000
    checks, runs = {}, {}
    for count in (most // 3, most):
        home = machine.folder()
        with machine.sandbox() as base_url:
            begin = (machine.nightscribe, "--config", configure(home, count, base_url=base_url), "--quiet")
            checks[count] = [machine.run(*begin, "check") for _ in range(machine.rounds)]
            runs[count] = [machine.run(*begin, "run", "--once") for _ in range(machine.rounds)]
    figures = []
    for what, measured, limit in (("check", checks, 1), ("run --once", runs, 2)):
        whole, third = median(measured[most], seconds), median(measured[most // 3], seconds)
        figures.append(at_most(f"{most:,} sources: {what}", whole, limit, "s"))
        figures.append(at_most(f"{most:,} ÷ {most // 3:,} sources: {what}", whole / third, 3.6, "×"))
    return figures


def configure(home, count, **settings):
    """Creates `count` sources without recordings, and their configuration."""
    config = write_config(home, home / "recordings", **settings)
    head, _ = config.read_text().split("[[source]]")
    for number in range(count):
        (home / "recordings" / f"s{number:05}").mkdir(parents=True)
    config.write_text(head + "".join(SOURCE.format(number=number) for number in range(count)))
    return config
