"""When generations are asked for: many at once, and each no more often than it takes."""

import json
import math
import random
import statistics
import time
import urllib.request

from .figures import Figure, at_most
from .filled import fill
from .house import furnish
from .recordings import timed

SEEDS_INTERVAL_S = 10


def punctual(machine):
    """100,000 pending generations, 10,000 polls a second allowed."""
    pending, interval_s, sweeps = (20_000, 3, 3) if machine.quick else (100_000, 15, 3)
    home = machine.folder()
    (home / "recordings").mkdir()
    with machine.service(machine.baseline, "service") as base_url:
        config = furnish(
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
    """Polls for each recording, and how soon its answer is fetched, where the service takes 5 s to 10 min. All is as
    nightscribe has it by default, but for time, which goes faster."""
    count, faster = (200, 60) if machine.quick else (1000, 20)
    chance = random.Random(7)
    lengths = [math.exp(chance.uniform(math.log(60), math.log(10_800))) for _ in range(count)]
    takes = [service_time(length) * chance.lognormvariate(0, 0.25) for length in lengths]
    home = machine.folder()
    recordings = timed(home / "recordings", lengths, [seconds / faster * 1000 for seconds in takes])
    with machine.service(machine.baseline, "service") as base_url:
        config = furnish(
            home,
            recordings,
            base_url=base_url,
            retention=f"{3600 // faster}s",
            interval=f"{10_000 // faster}ms",
            max_interval=f"{60_000 // faster}ms",
            submits_per_minute=60 * faster,
            polls_per_minute=600 * faster,
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
    seeds = [math.ceil(seconds / SEEDS_INTERVAL_S) for seconds in takes]
    seeds_late = statistics.median(n * SEEDS_INTERVAL_S / seconds - 1 for n, seconds in zip(seeds, takes))
    what = f"{len(generations)} recordings, {faster} times as fast"
    return [
        at_most(f"{what}: polls each", polls, 2.5, "", f"every 10 s: {statistics.mean(seeds):.1f}; took {run.seconds:.0f} s"),
        at_most(f"{what}: fetched after, of the service time", late * 100, 10, "%", f"every 10 s: {seeds_late * 100:.0f} %"),
    ]


def service_time(length_s):
    """5 s for a minute of audio, 10 min for three hours."""
    return 5 * (600 / 5) ** (math.log(length_s / 60) / math.log(10_800 / 60))


def report(base_url):
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/report") as answer:
        return json.load(answer)
