"""A queue with transcripts of known words, and the servers of its pages."""

import json
import os
import random
import shutil
import subprocess
import wave

CONFIG = """
[api]
base_url = "{base_url}"
[limits]
submits_per_minute = 60000
polls_per_minute = 60000
[polling]
interval = "20ms"
max_interval = "50ms"
[retry]
max_attempts = 2
backoff = "10ms"
max_backoff = "100ms"
[schedule]
scan_every = "100ms"
{more}
[[source]]
name = "talks"
path = "recordings"
settle = "0s"
"""
TOKEN = "0123456789-token-of-the-test"
BASE = "/archive/night"
SOUNDS = ("mp3-vbr-no-index.mp3", "aac.m4a")
HOSTILE = '"><img src=x onerror="document.title=`x`">.wav'
LONG = "A-very-long-name-of-a-recording-without-any-space-" + 3 * "in-it-that-does-not-end-" + "اجتماع.wav"
ARABIC = "مرحبا بكم، اليوم نتحدث عن الميزانية الفصلية وعن COVID-19 في المدينة. نعم، هذا صحيح؟"


class Site:
    """A folder with a queue. `sounds` are recordings of a length in seconds, whose words last a second each."""

    def __init__(self, program, folder, sounds, seconds):
        self.program, self.folder, self.running = program, folder, []
        self.recordings = folder / "recordings"
        self.recordings.mkdir()
        for sound in sounds:
            shutil.copy(sound, self.recordings)
        for name in (HOSTILE, LONG):
            self.add(name)
        (self.recordings / "broken.wav").write_text("no sound")
        address = self.start("sandbox", "--delay", "0s")
        self.configure("nightscribe.toml", address, "")
        (folder / "token").write_text(TOKEN)
        self.configure("login.toml", address, f"[http]\ntoken_file = 'token'\nbase_path = '{BASE}'\n")
        self.run("run", "--once")
        for sound in sounds:
            self.replace(sound.stem, [word(f"second{at}", at, at + 1, at // 40 % 2) for at in range(seconds)])
        self.replace(HOSTILE.removesuffix(".wav"), [word(text, at, at + 0.9, 0) for at, text in enumerate(hostile_words())])
        self.replace(LONG.removesuffix(".wav"), [word(text, 9 * at, 9 * at + 0.9, at // 6) for at, text in enumerate(ARABIC.split())])
        # A new queue takes the transcripts over.
        shutil.rmtree(folder / "state")
        self.run("run", "--once")
        self.run("export", "--all", "--force", "--format", "txt", "--format", "json")
        self.address, self.login_address = (
            self.start("serve", "--listen", "127.0.0.1:0", *config).rstrip("/") for config in ([], ["--config", "login.toml"])
        )

    def configure(self, name, base_url, more):
        (self.folder / name).write_text(CONFIG.format(base_url=base_url, more=more))

    def add(self, name):
        """Adds a recording of a second."""
        with wave.open(str(self.recordings / name), "wb") as file:
            file.setparams((1, 1, 8000, 0, "NONE", ""))
            file.writeframes(random.Random(name).randbytes(8000))

    def replace(self, stem, words):
        """Gives a transcript other words."""
        path = self.folder / f"transcripts/talks/{stem}.json"
        envelope = json.loads(path.read_text())
        text = " ".join(word["punctuated_word"] for word in words)
        alternative = {"transcript": text, "confidence": 0.9, "words": words}
        metadata = {"duration": words[-1]["end"], "channels": 1}
        envelope["result"] = {"metadata": metadata, "results": {"channels": [{"alternatives": [alternative]}]}}
        path.write_text(json.dumps(envelope))

    def command(self, *args):
        return dict(args=[self.program, *args], cwd=self.folder, env={"PATH": os.environ["PATH"], "AIMLAPI_KEY": "sk-test"}, text=True)

    def run(self, *args):
        """Runs a command, and returns its output. Some recordings fail in a run."""
        done = subprocess.run(**self.command(*args), capture_output=True)
        if done.returncode > 1:
            raise RuntimeError(f"nightscribe {' '.join(args)}: {done.stderr}")
        return done.stdout

    def start(self, *args):
        """Starts a server, and returns the address that it prints."""
        server = subprocess.Popen(**self.command(*args), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(server)
        return server.stdout.readline().strip()

    def item(self, name):
        """Returns the newest item of a recording."""
        items = map(json.loads, self.run("list", "--json").splitlines())
        return next(item for item in items if item["relative"] == name)

    def page(self, name):
        """Returns the address of the page of a recording."""
        return f"{self.address}/recordings/{self.item(name)['id']}"

    def close(self):
        for server in self.running:
            server.terminate()
            server.wait()


def word(text, start, end, speaker):
    confidence = 0.3 if text.endswith("7") else 0.9
    return {"word": text, "punctuated_word": text, "start": start, "end": end, "confidence": confidence, "speaker": speaker}


def hostile_words():
    return ["<script>document.title='x'</script>", "hostile", "</p><img", "src=x", "onerror=document.title='x'>", "&lt;b&gt;"]
