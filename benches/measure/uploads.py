"""Uploads of large files."""

import json
import urllib.request

from .configuration import write_config
from .end_to_end import cpu, seconds, speed
from .figures import at_least, at_most, median, ratio
from .machine import MeasurementError
from .recordings import large

CONCURRENT = 4


def uploads(machine):
    """4 concurrent uploads of 2 GiB, compared with curl"""
    size = (128 << 20) if machine.quick else (2 << 30)
    paths = large(machine.folder() / "recordings", CONCURRENT, size)

    def ours():
        home = machine.folder()
        with machine.sandbox() as base_url:
            config = write_config(home, paths[0].parent, base_url=base_url, max_uploads=CONCURRENT)
            return require_all(base_url, machine.run(machine.nightscribe, "--config", config, "--quiet", "run", "--once"))

    def curl():
        with machine.sandbox() as base_url:
            script = " ".join(f"{form(base_url, path)} &" for path in paths)
            return require_all(base_url, machine.run("sh", "-c", f"{script} wait"))

    runs = machine.alternate({"ours": ours, "curl": curl})
    rates = [f"{CONCURRENT * size / 2**20 / median(runs[name], seconds):,.0f}" for name in ("ours", "curl")]
    detail = f"{rates[0]} / {rates[1]} MiB/s, CPU {median(runs['ours'], cpu):.1f} / {median(runs['curl'], cpu):.1f} s"
    what = f"{CONCURRENT} uploads of {size >> 20:,} MiB"
    return [
        at_least(f"{what}: throughput ÷ curl", ratio(runs["ours"], runs["curl"], speed), 0.85, detail=detail, evidence="uploads"),
        at_most(f"{what}: peak memory", max(run.peak_mib for run in runs["ours"]), 64, "MiB"),
    ]


def require_all(base_url, run):
    """Returns the run if the sandbox accepted all uploads. The shell does not report the exit codes of curl."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/sandbox/ledger") as answer:
        accepted = json.load(answer)["accepted"]
    if accepted != CONCURRENT:
        raise MeasurementError(f"{accepted} of {CONCURRENT} uploads were accepted")
    return run


def form(base_url, path):
    return (
        f"curl --silent --fail --output /dev/null --header 'Authorization: Bearer bench' "
        f"--form 'model=#g1_nova-2-general' --form 'audio=@{path}' {base_url}/stt/create"
    )
