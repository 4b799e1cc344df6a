"""A small queue and the size of the binary."""

from .configuration import write_config
from .figures import at_most, median
from .recordings import clips


def small(machine):
    """`status` of a small queue from exec to exit, and size of the binary"""
    home = machine.folder()
    config = write_config(home, clips(home / "recordings", 20, 1024))
    machine.run(machine.nightscribe, "--config", config, "scan")
    runs = [machine.run(machine.nightscribe, "--config", config, "status") for _ in range(11 if machine.quick else 51)]
    size = machine.nightscribe.stat().st_size / 2**20
    return [
        at_most("status, small queue", median(runs, lambda run: run.seconds) * 1000, 5, "ms", evidence="status-of-a-small-queue"),
        at_most("binary, stripped", size, 32, "MiB"),
    ]
