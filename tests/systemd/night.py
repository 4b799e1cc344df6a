"""What the steps share: the machine, the service on the host, the recordings, and the transcript of what was seen."""

import io
import json
import random
import struct
import subprocess
import tarfile
import time
import urllib.request

from machine import free_port

KEY = "the-key-of-the-machine"
# The address of the host as seen by the machine (qemu's user network).
HOST = "10.0.2.2"
SOURCE = "/srv/recordings"
TRANSCRIPTS = "/var/lib/nightscribe/transcripts/recordings"
STATE = "/var/lib/nightscribe/state"
DELAY_SECONDS = 8


class WrongError(Exception):
    """Something was not as it should be."""


class Sandbox:
    """The service, on the host. It counts what was paid, and survives the machine."""

    def __init__(self, program):
        self.port = free_port()
        command = [program, "sandbox", "--listen", f"127.0.0.1:{self.port}", "--delay", f"{DELAY_SECONDS}s", "--key", KEY]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.base_url = f"http://{HOST}:{self.port}/v1"

    def ledger(self):
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/sandbox/ledger"))

    def paid(self):
        return self.ledger()["paid"]

    def stop(self):
        self.process.kill()
        self.process.wait()


def recording(number):
    """Returns a second of noise as WAV, different for each number."""
    noise = random.Random(number).randbytes(16_000)
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    chunk = b"data" + struct.pack("<I", len(noise)) + noise
    return b"RIFF" + struct.pack("<I", len(head) + len(chunk)) + head + chunk


class Night:
    """A machine, the service and the number of recordings so far."""

    def __init__(self, machine, sandbox):
        self.machine, self.sandbox = machine, sandbox
        self.recordings = 0
        self.wrong = 0
        self.started = time.monotonic()

    def step(self, name):
        print(f"\n{name}", flush=True)

    def see(self, what, is_right, seen=""):
        """Writes a line of the transcript. A wrong one does not end the run."""
        self.wrong += not is_right
        word = "ok   " if is_right else "WRONG"
        seen = " | ".join(str(seen).split("\n"))
        print(f"  {word} {time.monotonic() - self.started:6.0f} s  {what}{': ' if seen else ''}{seen}", flush=True)

    def wait(self, what, condition, seconds=180):
        """Waits until `condition` returns something. Returns it with the seconds that it took."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if found := condition():
                return found, time.monotonic() - started
            time.sleep(0.5)
        raise WrongError(f"{what}: not within {seconds} s\n{self.journal('-n 20')}")

    def add_recordings(self, count):
        """Puts new recordings into the source, each with a content of its own."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for number in range(self.recordings, self.recordings + count):
                content = recording(number)
                entry = tarfile.TarInfo(f"talk-{number:03}.wav")
                entry.size, entry.mode, entry.mtime = len(content), 0o640, time.time()
                tar.addfile(entry, io.BytesIO(content))
        # Without -p, tar leaves the inherited access control lists.
        self.machine.run(f"tar x --no-same-owner -C {SOURCE}", archive.getvalue())
        self.recordings += count

    def counts(self):
        """Returns the number of recordings by state, as an administrator sees them."""
        return json.loads(self.machine.run("nightscribe status --json"))["counts"]

    def wait_done(self, seconds=600):
        """Waits until every recording is done. Returns the seconds."""
        done = lambda: self.counts()["done"] == self.recordings
        return self.wait(f"{self.recordings} recordings are done", done, seconds)[1]

    def wait_paid(self, count, seconds=180):
        return self.wait(f"{count} are paid", lambda: self.sandbox.paid() >= count, seconds)

    def see_each_paid_once(self):
        """Compares the recordings with what the service has counted, and with the files in the machine."""
        ledger, count = self.sandbox.ledger(), self.recordings
        contents = {generation["sha256"] for generation in ledger["generations"]}
        files = int(self.machine.run(f"find {TRANSCRIPTS} -name '*.txt' -size +0 | wc -l"))
        is_right = ledger["paid"] == len(contents) == files == count
        self.see("each recording is paid once and has a transcript", is_right,
                 f"{count} recordings, {ledger['paid']} paid, {files} transcripts")  # fmt: skip

    def journal(self, options=""):
        return self.machine.run(f"journalctl -u nightscribe --no-pager -o cat {options}")

    def unit(self, key, unit="nightscribe"):
        return self.machine.run(f"systemctl show {unit} --value -p {key}")

    def drop_in(self, text, unit="nightscribe.service", name="override"):
        """Does what `systemctl edit` does."""
        self.machine.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.machine.run("systemctl daemon-reload")

    def configure(self, *changes):
        """Changes lines of the configuration with sed, as in an editor."""
        expressions = " ".join(f"-e '{change}'" for change in changes)
        self.machine.run(f"sed -i {expressions} /etc/nightscribe/config.toml")
