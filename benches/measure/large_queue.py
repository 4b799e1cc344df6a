"""Scans and queues of a million recordings."""

import contextlib
import pathlib
import socket
import threading
import time

from .figures import Figure, at_most, median, ratio
from .configuration import write_config
from .prefilled import fill
from .machine import MeasurementError
from .end_to_end import cpu, seconds
from .recordings import tree

ANSWER = b'{"status":"active"}'


def scan(machine):
    """first scan of 1,000,000 files, and a rescan without changes"""
    folders = 20 if machine.quick else 1000
    recordings = tree(machine.folder() / "recordings", folders, 1000)
    scanned = []

    def first():
        home = machine.folder()
        config = write_config(home, recordings)
        run = machine.run(machine.nightscribe, "--config", config, "--quiet", "scan")
        scanned.append((home, config))
        return run

    written = []

    def rescan():
        home, config = scanned[0]
        before = state_of(home)
        run = machine.run(machine.nightscribe, "--config", config, "--quiet", "scan")
        written.append(state_of(home) != before)
        return run

    def walk():
        return machine.run(machine.baseline, "walk", recordings)

    runs = machine.alternate({"first": first, "again": rescan, "walk": walk})
    walked = median(runs["walk"], seconds)
    figures = []
    limits = (("first", "first scan", 3, 64, "first-scan"), ("again", "rescan", 0.7, 64, "rescan"))
    for name, what, most, peak, evidence in limits:
        took = f"{median(runs[name], seconds):.2f} / {walked:.2f} s, CPU {median(runs[name], cpu):.2f} s"
        what = f"{what} of {folders * 1000:,} files"
        figures.append(at_most(f"{what} ÷ walk with stat", ratio(runs[name], runs["walk"], seconds), most, "×", took, evidence))
        figures.append(at_most(f"{what}, peak memory", max(run.peak_mib for run in runs[name]), peak, "MiB"))
    observed = "the database changed" if any(written) else "the database is unchanged"
    figures.append(Figure("rescan, rows written", observed, "none", not any(written)))
    return figures


def scan_of_share(machine):
    """rescan of files where each look-up takes 0.3 ms, as on a network share"""
    folders = 5 if machine.quick else 50
    home = machine.folder()
    recordings = tree(home / "recordings", folders, 1000)
    config = write_config(home, recordings)
    command = (machine.nightscribe, "--config", config, "--quiet", "scan")
    machine.run(*command)
    runs = machine.alternate({
        "again": lambda: machine.run(*command, slow_stat=True),
        "walk": lambda: machine.run(machine.baseline, "walk", recordings, slow_stat=True),
    })
    took = f"{median(runs['again'], seconds):.2f} / {median(runs['walk'], seconds):.2f} s"
    what = f"look-up of 0.3 ms: rescan of {folders * 1000:,} files ÷ walk with stat"
    return [at_most(what, ratio(runs["again"], runs["walk"], seconds), 0.1, "×", took)]


def state_of(home):
    """Returns the sizes and times that any write to the state folder would change."""
    paths = sorted((home / "state").iterdir())
    stats = [(path.name, path.stat()) for path in paths]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats if stat.st_size and not name.endswith("-shm")]


def start(machine):
    """time from exec to the first poll, and `status` and `list --state failed`, with a million rows"""
    done, pending = (50_000, 5_000) if machine.quick else (1_000_000, 50_000)
    home = machine.folder()
    (home / "recordings").mkdir()
    with FirstRequest() as service:
        config = write_config(home, home / "recordings", base_url=service.base_url, max_pending=100_000)
        fill(machine, home, config, done=done, pending=pending, failed=1000)
        begin = (machine.nightscribe, "--config", config)
        status = [machine.run(*begin, "status") for _ in range(machine.rounds)]
        listed = [machine.run(*begin, "list", "--state", "failed") for _ in range(machine.rounds)]
        starts = [service.after(lambda: machine.started(*begin, "run")) for _ in range(machine.rounds)]
    rows = f"{done:,} done, {pending:,} pending"
    return [
        at_most(f"start with {rows}: exec to first poll", median(starts, float), 0.25, "s"),
        at_most(f"status with {rows}", median(status, seconds) * 1000, 50, "ms"),
        at_most(f"list --state failed (1,000) with {rows}", median(listed, seconds) * 1000, 50, "ms"),
    ]


class FirstRequest:
    """A service that records its first request and reports every generation as active."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.arrived, self.at = threading.Event(), 0.0
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def after(self, started):
        """Returns the seconds from the start of a program to its first poll."""
        self.arrived.clear()
        began = time.perf_counter()
        with started():
            if not self.arrived.wait(120):
                raise MeasurementError("no poll arrived within two minutes")
            return self.at - began

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                while line := lines.readline():
                    if line.startswith(b"GET") and not self.arrived.is_set():
                        self.at = time.perf_counter()
                        self.arrived.set()
                    if line == b"\r\n":
                        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
                        connection.sendall(head + str(len(ANSWER)).encode() + b"\r\n\r\n" + ANSWER)
            except OSError:
                return


def idle(machine):
    """idle daemon with 1,000,000 rows"""
    done, lasts = (100_000, 10) if machine.quick else (1_000_000, 60)
    home = machine.folder()
    (home / "recordings").mkdir()
    config = write_config(home, home / "recordings")
    fill(machine, home, config, done=done, failed=1000)
    with machine.started(machine.nightscribe, "--config", config, "run") as process:
        time.sleep(30)  # until the search for damage has ended
        before = cpu_ns(process.pid), written_bytes(process.pid), wake_ups(process.pid)
        time.sleep(lasts)
        after = cpu_ns(process.pid), written_bytes(process.pid), wake_ups(process.pid)
    used, written = (now - then for now, then in zip(after[:2], before[:2]))
    woken = sum(count - before[2].get(thread, 0) for thread, count in after[2].items())
    share = used / (lasts * 1e9) * 100
    return [
        at_most(f"idle over {done:,} rows, of a core", share, 0.03, "%", f"{used / 1e6:.1f} ms in {lasts} s"),
        at_most("idle, wake-ups of all threads", woken / lasts, 1, "/s"),
        Figure("idle, bytes written to disk", f"{written:,}", "0", written == 0),
    ]


def cpu_ns(pid):
    """Returns the CPU time of all threads of a process, in nanoseconds."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def wake_ups(pid):
    """Returns how often each thread of a process has waited. Threads may end."""
    waited = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            lines = (task / "status").read_text().splitlines()
            waited[task.name] = next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return waited


def written_bytes(pid):
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])
