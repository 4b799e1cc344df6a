"""The page in the browser: how fast it answers, what it costs, and how fast a player seeks."""

import contextlib
import http.client
import json
import pathlib
import random
import re
import sqlite3
import statistics
import threading
import time
import urllib.parse

from .configuration import write_config
from .end_to_end import SIZE, seconds, speed
from .figures import at_least, at_most, median, ratio
from .machine import MeasurementError
from .prefilled import fill
from .recordings import clips, large
from .search import write_transcripts

READERS = 100
LARGE_BYTES = 2 << 30
# Transcripts that differ. The others repeat them, because it takes minutes to make 10,000.
DIFFERENT = 200


# Figures of a transcript, as they are stored.
QUALITY = {"confidence": 0.9, "low_confidence": 0.1, "speech": 0.9, "words_per_minute": 150.0, "loops": 0, "language": "en"}


def page(machine):
    """pages of 10,000 transcripts, 100 readers, seeks in 2 GB, and the throughput of a run whose page is read"""
    return [*pages(machine), *throughput(machine)]


def pages(machine):
    count = 300 if machine.quick else 10_000
    home = machine.folder()
    (home / "recordings").mkdir()
    config = write_config(home, home / "recordings")
    fill(machine, home, config, done=count, failed=count // 100)
    (home / "texts").mkdir()
    vocabulary, _ = write_transcripts(home, home / "texts", DIFFERENT)
    repeat_transcripts(home)
    machine.run(machine.nightscribe, "--config", config, "search", "--rebuild")
    large(home / "recordings" / "large", 1, LARGE_BYTES)
    machine.run(machine.nightscribe, "--config", config, "scan")
    figures = []
    with serving(machine, config) as (reader, process):
        for name, path in paths_of(count, vocabulary).items():
            times = [reader.timed(path) for _ in range(20 if machine.quick else 100)]
            what = f"{name} with {count:,} transcripts, 95th percentile"
            figures.append(at_most(what, late(times), 50, "ms"))
        figures.append(at_most("first byte of a seek in 2 GB, 95th percentile", late(seeks(reader)), 20, "ms"))
        figures += read_by_many(machine, reader, process, list(paths_of(count, vocabulary).values()))
    return figures


def repeat_transcripts(home):
    """Gives the other jobs the transcripts of the first ones, and all the figures of a transcript."""
    database = sqlite3.connect(home / "state" / "nightscribe.db")
    database.execute("PRAGMA synchronous = OFF")
    first = "SELECT raw, words FROM results f WHERE f.job_id = 1 + (results.job_id - 1) % :different"
    database.execute(f"UPDATE results SET (raw, words) = ({first}) WHERE job_id > :different", {"different": DIFFERENT})
    database.execute("UPDATE results SET quality = ?", (json.dumps(QUALITY),))
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def paths_of(count, vocabulary):
    return {
        "Tonight": "/",
        "Recordings": "/recordings",
        "Recordings that failed": "/recordings?state=failed",
        "Recordings by path": "/recordings?sort=path",
        "Recordings by length": "/recordings?sort=longest",
        "Recordings in a language": "/recordings?language=en",
        "a recording": f"/recordings/{count // 2}",
        "Reading (an hour)": f"/recordings/{count // 2}/read",
        "Search": "/search?" + urllib.parse.urlencode({"q": vocabulary[100]}),
        "the metrics": "/metrics",
        "the status for programs": "/api/v1/status",
    }


def seeks(reader):
    """Returns the times until the first byte of random ranges in the newest recording, which is large."""
    item = json.loads(reader.get("/api/v1/items?limit=1"))["items"][0]
    if item["size_bytes"] != LARGE_BYTES:
        raise MeasurementError("the large recording is not in the queue")
    path, dice = f"/recordings/{item['id']}/sound", random.Random(3)
    return [reader.timed(path, start=dice.randrange(LARGE_BYTES - 1000)) for _ in range(100)]


def read_by_many(machine, reader, process, paths):
    """Reads all pages by many at once, twice, and compares the peak memory."""
    peaks = []
    for rounds in (1, 2 if machine.quick else 10):
        failed = []
        threads = [threading.Thread(target=read_all, args=(reader, paths * rounds, failed)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise MeasurementError(f"{len(failed)} of {READERS} readers at once: {failed[0]}")
        peaks.append(peak_mib(process))
    what = f"{READERS} readers at once: peak memory after all rounds ÷ after the first"
    return [at_most(what, peaks[1] / peaks[0], 1.1, "×", f"{peaks[1]:.0f} / {peaks[0]:.0f} MiB")]


def read_all(reader, paths, failed):
    own = Reader(reader.url)
    try:
        for path in paths:
            own.get(path)
    except (OSError, MeasurementError) as error:
        failed.append(error)


def throughput(machine):
    """Compares runs whose page is read with runs without a page."""
    count = 1000 if machine.quick else 4000
    recordings = clips(machine.folder() / "recordings", count, SIZE)

    def run(is_read):
        home = machine.folder()
        with machine.sandbox() as base_url, contextlib.ExitStack() as reading:
            config = write_config(home, recordings, base_url=base_url)
            if is_read:
                reading.enter_context(read_live(machine, config))
            return machine.run(machine.nightscribe, "--config", config, "--quiet", "run", "--once")

    runs = machine.alternate({"read": lambda: run(True), "alone": lambda: run(False)})
    read, alone = (f"{count / median(runs[name], seconds):,.0f}" for name in ("read", "alone"))
    what = "files/s with a page that is read ÷ without a page"
    return [at_least(what, ratio(runs["read"], runs["alone"], speed), 0.95, detail=f"{read} / {alone} files/s")]


@contextlib.contextmanager
def read_live(machine, config):
    """Reads *Tonight* again at each event until the end of the block, as a browser does."""
    with serving(machine, config) as (reader, _):
        own = Reader(reader.url)
        is_over = threading.Event()

        def follow():
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = own.connection()
                connection.request("GET", "/api/v1/events")
                for line in connection.getresponse():
                    if is_over.is_set():
                        return
                    if line.startswith(b"event:"):
                        own.get("/")

        threading.Thread(target=follow, daemon=True).start()
        yield
        is_over.set()


@contextlib.contextmanager
def serving(machine, config):
    """Runs `serve` until the end of the block. Yields a reader of its pages, and its process."""
    with machine.started(machine.nightscribe, "--config", config, "serve", "--listen", "127.0.0.1:0") as process:
        yield Reader(process.stdout.readline().strip()), process


class Reader:
    """Reads pages by one connection."""

    def __init__(self, url):
        self.url = url
        self.kept = None

    def connection(self):
        return http.client.HTTPConnection(urllib.parse.urlparse(self.url).netloc, timeout=60)

    def get(self, path):
        """Returns the body of a page."""
        self.kept = self.kept or self.connection()
        self.kept.request("GET", path)
        response = self.kept.getresponse()
        body = response.read()
        if response.status != 200:
            raise MeasurementError(f"{path}: {response.status}")
        return body

    def timed(self, path, start=None):
        """Returns the milliseconds until a page is there, or until the first byte from `start` on."""
        if start is None:
            began = time.perf_counter()
            self.get(path)
            return (time.perf_counter() - began) * 1000
        connection = self.connection()
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Range": f"bytes={start}-"})
        response = connection.getresponse()
        response.read(1)
        took = (time.perf_counter() - began) * 1000
        connection.close()
        if response.status != 206:
            raise MeasurementError(f"{path}: {response.status}")
        return took


def late(times):
    return statistics.quantiles(times, n=20)[-1]


def peak_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
