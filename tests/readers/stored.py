"""Renders results of the service without the service: as transcripts that are adopted and then exported."""

import hashlib
import json
import pathlib
import subprocess

TIME = "2026-11-30T03:00:00Z"
CONFIG = """
[state]
dir = "state"
[output]
dir = "known"
formats = ["json"]
{output}
[[source]]
name = "talks"
path = "recordings"
settle = "0s"
"""


def envelope(name, sha256, size, result, options, model):
    metadata = {
        "version": 1,
        "source": "talks",
        "recording": f"{name}.wav",
        "sha256": sha256,
        "size_bytes": size,
        "model": model,
        "options": options,
        "generation_id": None,
        "recorded_at": TIME,
        "submitted_at": None,
        "received_at": TIME,
        "silent": False,
    }
    return json.dumps({"nightscribe": metadata, "result": result}, ensure_ascii=False)


def export(binary, folder, results, formats, output=""):
    """Writes each result in all formats, and returns the folder of the files.

    `results` has a result, its options and its model for each name. `output` are further keys of `[output]`."""
    folder = pathlib.Path(folder)
    for name in ("recordings", "known/talks"):
        (folder / name).mkdir(parents=True)
    for name, (result, options, model) in results.items():
        audio = f"recording {name}".encode()
        (folder / "recordings" / f"{name}.wav").write_bytes(audio)
        text = envelope(name, hashlib.sha256(audio).hexdigest(), len(audio), result, options, model)
        (folder / "known/talks" / f"{name}.json").write_text(text)
    (folder / "nightscribe.toml").write_text(CONFIG.format(output=output))
    wanted = [word for one in formats for word in ("--format", one)]
    for command in (["adopt"], ["export", "--all", "--dir", "files", *wanted]):
        done = subprocess.run([binary, *command], cwd=folder, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"nightscribe {command[0]}: {done.stderr}")
    return folder / "files/talks"
