"""Throughput of the store."""

from .figures import at_least, median


def store(machine):
    """complete jobs per second through the store, where an fsync takes 1 ms"""
    jobs = 4_000 if machine.quick else 40_000

    def complete_jobs():
        return machine.run(machine.baseline, "lives", machine.folder(ram=True), "--jobs", jobs, slow=True)

    runs = [complete_jobs() for _ in range(machine.rounds)]
    rate = median(runs, lambda run: float(run.stdout))
    cpu = median(runs, lambda run: run.cpu_s / jobs * 1e6)
    what, spent = "complete jobs per second, 64 tasks, fsync 1 ms", f"{cpu:.0f} µs CPU per job"
    return [at_least(what, rate, 9000, "/s", spent, evidence="complete-jobs")]
