"""Large files."""

import json
import urllib.request

from .figures import at_least, at_most, median, ratio
from .house import furnish
from .machine import Broken
from .night import cpu, seconds, speed
from .recordings import large

AT_ONCE = 4


def uploads(machine):
    """4 uploads of 2 GiB at once, beside as many of curl's."""
    size = (128 << 20) if machine.quick else (2 << 30)
    paths = large(machine.folder() / "recordings", AT_ONCE, size)

    def ours():
        home = machine.folder()
        with machine.sandbox() as base_url:
            config = furnish(home, paths[0].parent, base_url=base_url, max_uploads=AT_ONCE)
            return whole(base_url, machine.run(machine.nightscribe, "--config", config, "--quiet", "run", "--once"))

    def curl():
        with machine.sandbox() as base_url:
            script = " ".join(f"{form(base_url, path)} &" for path in paths)
            return whole(base_url, machine.run("sh", "-c", f"{script} wait"))

    runs = machine.alternate({"ours": ours, "curl": curl})
    rates = [f"{AT_ONCE * size / 2**20 / median(runs[name], seconds):,.0f}" for name in ("ours", "curl")]
    detail = f"{rates[0]} / {rates[1]} MiB/s, CPU {median(runs['ours'], cpu):.1f} / {median(runs['curl'], cpu):.1f} s"
    what = f"{AT_ONCE} uploads of {size >> 20:,} MiB"
    return [
        at_least(f"{what}: throughput ÷ curl", ratio(runs["ours"], runs["curl"], speed), 0.9, detail=detail),
        at_most(f"{what}: peak memory", max(run.peak_mib for run in runs["ours"]), 64, "MiB"),
    ]


def whole(base_url, run):
    """The shell does not say how what it waits for ended; the sandbox does."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/sandbox/ledger") as answer:
        accepted = json.load(answer)["accepted"]
    if accepted != AT_ONCE:
        raise Broken(f"{accepted} of {AT_ONCE} uploads were accepted")
    return run


def form(base_url, path):
    return (
        f"curl --silent --fail --output /dev/null --header 'Authorization: Bearer bench' "
        f"--form 'model=#g1_nova-2-general' --form 'audio=@{path}' {base_url}/stt/create"
    )
