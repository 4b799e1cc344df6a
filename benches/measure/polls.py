"""Poll timing: punctuality with many generations, and the number of polls for each."""

import json
import math
import random
import statistics
import time
import urllib.request

from .configuration import write_config
from .figures import Figure, at_most
from .prefilled import fill
from .recordings import timed

FIXED_INTERVAL_S = 10


def punctual(machine):
    """lateness of polls with 100,000 pending generations and a limit of 10,000 polls per second"""
    pending, interval_s, sweeps = (20_000, 3, 3) if machine.quick else (100_000, 15, 3)
    home = machine.folder()
    (home / "recordings").mkdir()
    with machine.service(machine.baseline, "service") as base_url:
        config = write_config(
            home,
            home / "recordings",
            base_url=base_url,
            polls_per_minute=600_000,
            max_pending=pending,
            interval=f"{interval_s}s",
            max_interval=f"{interval_s}s",
        )
        fill(machine, home, config, pending=pending)
        with machine.started(machine.nightscribe, "--config", config, "run"):
            time.sleep(interval_s * (sweeps + 0.5) + pending / 10_000)
            generations = report(base_url)
    late, missed = [], 0
    for generation in generations.values():
        polls = generation["polls_ms"]
        gaps = [b - a - interval_s * 1000 for a, b in zip(polls, polls[1:])]
        late += gaps
        missed += len(polls) < sweeps
    missed += pending - len(generations)
    late.sort()
    at_99 = late[len(late) * 99 // 100] / 1000 if late else math.inf
    detail = f"median {statistics.median(late) / 1000:.3f} s, latest {late[-1] / 1000:.3f} s, {len(late):,} polls" if late else ""
    what = f"{pending:,} pending, each due every {interval_s} s"
    return [
        at_most(f"{what}: lateness at the 99th percentile", at_99, 1, "s", detail),
        Figure(f"{what}: polled less often than due", f"{missed:,}", "0", missed == 0),
    ]


def frugal(machine):
    """polls for each recording and delay of its result, with processing times from 5 s to 10 min

    The settings are the defaults. All times are divided by the same factor.
    """
    count, speedup = (200, 60) if machine.quick else (1000, 20)
    random_source = random.Random(7)
    lengths = [math.exp(random_source.uniform(math.log(60), math.log(10_800))) for _ in range(count)]
    processing = [service_time(length) * random_source.lognormvariate(0, 0.25) for length in lengths]
    home = machine.folder()
    recordings = timed(home / "recordings", lengths, [seconds / speedup * 1000 for seconds in processing])
    with machine.service(machine.baseline, "service") as base_url:
        config = write_config(
            home,
            recordings,
            base_url=base_url,
            retention=f"{3600 // speedup}s",
            interval=f"{10_000 // speedup}ms",
            max_interval=f"{60_000 // speedup}ms",
            submits_per_minute=60 * speedup,
            polls_per_minute=600 * speedup,
            max_pending=500,
            max_uploads=4,
        )
        run = machine.run(machine.nightscribe, "--config", config, "--quiet", "run", "--once")
        generations = report(base_url).values()
    polls = statistics.mean(len(generation["polls_ms"]) for generation in generations)
    late = statistics.median(
        (generation["polls_ms"][-1] - generation["ready_ms"]) / (generation["ready_ms"] - generation["created_ms"])
        for generation in generations
    )
    fixed = [math.ceil(seconds / FIXED_INTERVAL_S) for seconds in processing]
    fixed_late = statistics.median(n * FIXED_INTERVAL_S / seconds - 1 for n, seconds in zip(fixed, processing))
    what = f"{len(generations)} recordings, {speedup} times as fast"
    return [
        at_most(f"{what}: polls per recording", polls, 2.5, "", f"every 10 s: {statistics.mean(fixed):.1f}; took {run.seconds:.0f} s"),
        at_most(f"{what}: delay of the result, of the processing time", late * 100, 10, "%", f"every 10 s: {fixed_late * 100:.0f} %"),
    ]


def service_time(length_s):
    """Returns the processing time in seconds: 5 s for a minute of audio, 10 min for three hours."""
    return 5 * (600 / 5) ** (math.log(length_s / 60) / math.log(10_800 / 60))


def report(base_url):
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/report") as answer:
        return json.load(answer)
