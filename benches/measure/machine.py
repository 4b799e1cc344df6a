"""Builds the programs, starts them, and says what they used."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
BENCHES = ROOT / "benches"
FSYNC_US = 1000


@dataclasses.dataclass
class Run:
    """How a program ran. Its peak memory is at least that of this script, from which it came."""

    seconds: float
    cpu_s: float
    peak_mib: float
    stdout: str


class Broken(Exception):
    """A measurement that came to nothing."""


class Machine:
    """The programs, and a work folder that is there until the end: ext4 searches long past inodes that were freed in the
    last minutes, so nothing is deleted before the last measurement."""

    def __init__(self, quick):
        self.quick = quick
        self.rounds = 3 if quick else 5
        self.nightscribe = TARGET / "release" / "nightscribe"
        self.baseline = TARGET / "release" / "nightscribe-baseline"
        self.work = None
        self.ram = None
        self._folders = []

    def __enter__(self):
        (TARGET / "bench").mkdir(parents=True, exist_ok=True)
        self.work = self._own(TARGET / "bench")
        self.ram = self._own("/dev/shm" if os.access("/dev/shm", os.W_OK) else TARGET / "bench")
        self.slow_fsync = self.work / "slow_fsync.so"
        source = BENCHES / "slow_fsync.c"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self.slow_fsync, source], check=True)
        return self

    def __exit__(self, *_):
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _own(self, place):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="run-nightscribe-", dir=place))
        self._folders.append(folder)
        return folder

    def folder(self, ram=False):
        """A new folder, on the disk or on the model of one."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.ram if ram else self.work))

    def environment(self, slow=False):
        environment = dict(os.environ, AIMLAPI_KEY="bench", NO_PROXY="*", no_proxy="*")
        environment.pop("NIGHTSCRIBE_CONFIG", None)
        if slow:
            environment.update(LD_PRELOAD=str(self.slow_fsync), SLOW_FSYNC_US=str(FSYNC_US))
        return environment

    def run(self, *command, slow=False):
        """Runs a program to its end."""
        with tempfile.TemporaryFile(mode="w+", dir=self.work) as out, tempfile.TemporaryFile(mode="w+", dir=self.work) as err:
            os.sync()  # what the program before left unwritten is not this one's to write
            began = time.perf_counter()
            process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err, env=self.environment(slow))
            try:
                _, status, used = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                raise
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            stdout, stderr = out.read(), err.read()
        if process.returncode != 0:
            raise Broken(f"{' '.join(map(str, command))}: exit {process.returncode}\n{stdout[-2000:]}{stderr[-2000:]}")
        return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, stdout)

    @contextlib.contextmanager
    def started(self, *command):
        """A program that runs until the block ends."""
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment(),
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()

    @contextlib.contextmanager
    def service(self, *command):
        """The base URL of a service that runs until the block ends: it prints it first."""
        with self.started(*command) as process:
            yield process.stdout.readline().strip()

    def sandbox(self, delay_ms=0):
        return self.service(self.nightscribe, "sandbox", "--delay", f"{delay_ms}ms")

    def alternate(self, runners):
        """Each once a round, beginning with another one each time. The runs of each, by name."""
        names, runs = list(runners), {name: [] for name in runners}
        for turn in range(self.rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                runs[name].append(runners[name]())
        return runs


def build():
    """The release builds; the product alone first, so that nothing else decides its features."""
    for package in ("nightscribe", "nightscribe-baseline"):
        command = ["cargo", "build", "--release", "--locked", "--quiet", "--bins", "-p", package]
        subprocess.run(command, cwd=ROOT, check=True)


def python_with_aiohttp():
    """A Python that has aiohttp: this one, or one of the bench's own; None if it cannot be had."""
    own = TARGET / "bench" / "python"
    for python in (pathlib.Path(sys.executable), own / "bin" / "python"):
        if _has_aiohttp(python):
            return python
    with contextlib.suppress(subprocess.CalledProcessError):
        subprocess.run([sys.executable, "-m", "venv", own], check=True)
        subprocess.run([own / "bin" / "pip", "install", "--quiet", "aiohttp"], check=True)
        return own / "bin" / "python"
    return None


def _has_aiohttp(python):
    return python.exists() and subprocess.run([python, "-c", "import aiohttp"], stderr=subprocess.DEVNULL).returncode == 0
