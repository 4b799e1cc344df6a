"""Builds and runs programs, and measures their resource usage."""

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
LAUNCHER = BENCHES / "measure" / "launch.py"
FSYNC_US = 1000
STAT_US = 300


@dataclasses.dataclass
class Run:
    """Resource usage of a finished program."""

    seconds: float
    cpu_s: float
    peak_mib: float
    stdout: str


class MeasurementError(Exception):
    """A measurement that failed."""


class Machine:
    """The programs under test and a work folder.

    The work folder is removed after the last measurement, because ext4 slows down after recent deletions.
    """

    def __init__(self, quick):
        self.quick = quick
        self.rounds = 3 if quick else 5
        self.nightscribe = TARGET / "dist" / "nightscribe"
        self.baseline = TARGET / "dist" / "nightscribe-baseline"
        self.work = None
        self.ram = None
        self._folders = []

    def __enter__(self):
        (TARGET / "bench").mkdir(parents=True, exist_ok=True)
        self.work = self._create(TARGET / "bench")
        self.ram = self._create("/dev/shm" if os.access("/dev/shm", os.W_OK) else TARGET / "bench")
        self.slow_fsync, self.slow_stat = self._library("slow_fsync"), self._library("slow_stat")
        return self

    def _library(self, name):
        """Compiles a preload library."""
        library = self.work / f"{name}.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", library, BENCHES / f"{name}.c", "-ldl"]
        subprocess.run(command, check=True)
        return library

    def __exit__(self, *_):
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _create(self, place):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="run-nightscribe-", dir=place))
        self._folders.append(folder)
        return folder

    def folder(self, ram=False):
        """Creates a folder on the disk or on the RAM disk."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.ram if ram else self.work))

    def environment(self, slow=False, slow_stat=False):
        # The limit of the arenas is a setting of the systemd units.
        environment = dict(os.environ, AIMLAPI_KEY="bench", NO_PROXY="*", no_proxy="*", MALLOC_ARENA_MAX="2")
        environment.pop("NIGHTSCRIBE_CONFIG", None)
        if slow:
            environment.update(LD_PRELOAD=str(self.slow_fsync), SLOW_FSYNC_US=str(FSYNC_US))
        if slow_stat:
            environment.update(LD_PRELOAD=str(self.slow_stat), SLOW_STAT_US=str(STAT_US))
        return environment

    def run(self, *command, slow=False, slow_stat=False):
        """Runs a program and waits for its end."""
        with contextlib.ExitStack() as files:
            out, err = (files.enter_context(tempfile.TemporaryFile(mode="w+", dir=self.work)) for _ in range(2))
            report = files.enter_context(tempfile.NamedTemporaryFile(mode="r", dir=self.work))
            launched = [sys.executable, "-I", "-S", LAUNCHER, report.name, *command]
            os.sync()  # so that this program does not write the dirty pages of the previous one
            process = subprocess.Popen(
                [str(word) for word in launched],
                stdout=out,
                stderr=err,
                env=self.environment(slow, slow_stat),
                start_new_session=True,
            )
            try:
                process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            stdout, stderr = out.read(), err.read()
            if process.returncode != 0:
                shown = " ".join(map(str, command))
                raise MeasurementError(f"{shown}: exit {process.returncode}\n{stdout[-2000:]}{stderr[-2000:]}")
            used, cpu_s, peak_mib = map(float, report.read().split())
            return Run(used, cpu_s, peak_mib, stdout)

    @contextlib.contextmanager
    def started(self, *command):
        """Runs a program until the end of the block."""
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
        """Runs a service until the end of the block. Yields the base URL, which the service prints first."""
        with self.started(*command) as process:
            yield process.stdout.readline().strip()

    def sandbox(self, delay_ms=0):
        return self.service(self.nightscribe, "sandbox", "--delay", f"{delay_ms}ms")

    def alternate(self, runners):
        """Runs each program once per round, starting with a different one each time. Returns the runs by name."""
        names, runs = list(runners), {name: [] for name in runners}
        for turn in range(self.rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                runs[name].append(runners[name]())
        return runs


def build():
    """Builds the binaries as packages contain them. The product is built alone, so that no other package affects its features."""
    for package in ("nightscribe", "nightscribe-baseline"):
        command = ["cargo", "build", "--profile", "dist", "--locked", "--quiet", "--bins", "-p", package]
        subprocess.run(command, cwd=ROOT, check=True)


def python_with_aiohttp():
    """Returns a Python with aiohttp: this one or a virtual environment. Returns None if aiohttp cannot be installed."""
    environment = TARGET / "bench" / "python"
    for python in (pathlib.Path(sys.executable), environment / "bin" / "python"):
        if _has_aiohttp(python):
            return python
    with contextlib.suppress(subprocess.CalledProcessError):
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", "aiohttp"], check=True)
        return environment / "bin" / "python"
    return None


def _has_aiohttp(python):
    return python.exists() and subprocess.run([python, "-c", "import aiohttp"], stderr=subprocess.DEVNULL).returncode == 0
