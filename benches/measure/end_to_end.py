"""End-to-end throughput: with an immediate service, a slow disk and a slow service; and memory usage."""

from .configuration import write_config
from .figures import Figure, at_least, at_most, median, ratio
from .machine import BENCHES, MeasurementError, python_with_aiohttp
from .recordings import clips

KIB = 1024
SIZE = 32 * KIB
IN_FLIGHT = 256


class Comparison:
    """Runs several programs over the same recordings, each with its own sandbox and folders."""

    def __init__(self, machine, count, delay_ms=0, slow=False, size=SIZE):
        self.machine, self.count, self.delay_ms, self.slow = machine, count, delay_ms, slow
        self.recordings = clips(machine.folder(slow) / "recordings", count, size)
        self.last_home = None  # of the last run of nightscribe

    def nightscribe(self):
        self.last_home = home = self.machine.folder(self.slow)
        with self.machine.sandbox(self.delay_ms) as base_url:
            config = write_config(home, self.recordings, base_url=base_url, max_pending=IN_FLIGHT)
            command = (self.machine.nightscribe, "--config", config, "--quiet", "run", "--once")
            run = self.machine.run(*command, slow=self.slow)
        return self._complete(run, home / "transcripts")

    def bare(self, tasks=64, sync=False, wait_ms=0):
        out = self.machine.folder(self.slow)
        with self.machine.sandbox(self.delay_ms) as base_url:
            command = [self.machine.baseline, "bare", "--base-url", base_url, "--recordings", self.recordings, "--out", out]
            command += ["--tasks", tasks, "--wait", f"{wait_ms}ms", *["--sync"] * sync]
            run = self.machine.run(*command, slow=self.slow)
        return self._complete(run, out)

    def asyncio(self, python):
        out = self.machine.folder(self.slow)
        with self.machine.sandbox(self.delay_ms) as base_url:
            run = self.machine.run(python, BENCHES / "asyncio_loop.py", base_url, self.recordings, out, IN_FLIGHT)
        return self._complete(run, out)

    def _complete(self, run, out):
        """Returns the run if it wrote all transcripts."""
        for extension in ("txt", "json"):
            found = sum(1 for path in out.rglob(f"*.{extension}") if path.stat().st_size > 0)
            if found != self.count:
                raise MeasurementError(f"{found} of {self.count} .{extension} files in {out}")
        return run

    def rate(self, runs):
        return f"{self.count / median(runs, seconds):,.0f}"


def seconds(run):
    return run.seconds


def speed(run):
    return 1 / run.seconds


def cpu(run):
    return run.cpu_s


def files(machine):
    """2,000 files with immediate responses: throughput and CPU time"""
    comparison, python = Comparison(machine, 400 if machine.quick else 2000), python_with_aiohttp()
    runners = {
        "ours": comparison.nightscribe,
        "synced": lambda: comparison.bare(sync=True),
        "unsynced": comparison.bare,
    }
    if python:
        runners["asyncio"] = lambda: comparison.asyncio(python)
    runs = machine.alternate(runners)
    ours, synced, unsynced = runs["ours"], runs["synced"], runs["unsynced"]

    def compared(theirs):
        return f"{comparison.rate(ours)} / {comparison.rate(theirs)} files/s"

    faster = ratio(ours, synced, speed)
    figures = [
        at_least("files/s ÷ bare loop that syncs", faster, 1.5, detail=compared(synced), evidence="files-per-second")
    ]
    if python:
        theirs = runs["asyncio"]
        figures.append(at_least("files/s ÷ asyncio, 256 tasks", ratio(ours, theirs, speed), 1.3, detail=compared(theirs)))
    else:
        figures.append(Figure("files/s ÷ asyncio, 256 tasks", "missing: aiohttp cannot be installed", "≥ 1.3 ×", False))
    figures.append(Figure("files/s, bare loop that syncs nothing", f"{comparison.rate(unsynced)} files/s"))
    spent = f"{median(ours, cpu):.2f} / {median(synced, cpu):.2f} s"
    figures.append(at_most("CPU ÷ bare loop that syncs", ratio(ours, synced, cpu), 1.3, "×", spent))
    figures.append(Figure("CPU, bare loop that syncs nothing", f"{median(unsynced, cpu):.2f} s"))
    return figures


def slow_disk(machine):
    """2,000 files on a disk where an fsync takes 1 ms"""
    comparison = Comparison(machine, 400 if machine.quick else 2000, slow=True)
    runs = machine.alternate({
        "ours": comparison.nightscribe,
        "synced": lambda: comparison.bare(sync=True),
        "unsynced": comparison.bare,
    })
    rates = f"{comparison.rate(runs['ours'])} / {comparison.rate(runs['synced'])} files/s"
    return [
        at_least(
            "fsync 1 ms: files/s ÷ bare loop that syncs",
            ratio(runs["ours"], runs["synced"], speed),
            5,
            detail=rates,
            evidence="files-per-second",
        ),
        Figure("fsync 1 ms: bare loop that syncs nothing", f"{comparison.rate(runs['unsynced'])} files/s"),
    ]


def slow_service(machine):
    """responses after 200 ms, 256 files in flight"""
    comparison = Comparison(machine, 1000 if machine.quick else 2000, delay_ms=200)
    runs = machine.alternate({
        "ours": comparison.nightscribe,
        "exact": lambda: comparison.bare(tasks=IN_FLIGHT, wait_ms=200),
    })
    rates = f"{comparison.rate(runs['ours'])} / {comparison.rate(runs['exact'])} files/s"
    ratio_of_speeds = ratio(runs["ours"], runs["exact"], speed)
    return [at_least("200 ms: files/s ÷ bare loop that waits exactly 200 ms", ratio_of_speeds, 0.9, detail=rates)]


def memory(machine):
    """peak memory with few and with many files"""
    few, many = (500, 2500) if machine.quick else (2000, 20_000)
    figures = []
    for count in (few, many):
        run = Comparison(machine, count, size=4 * KIB).nightscribe()
        figures.append(at_most(f"peak memory, {count:,} files", run.peak_mib, 64, "MiB", f"{count / run.seconds:,.0f} files/s"))
    return figures
