"""Runs a program and reports its resource usage.

The peak memory that the system reports of a program is at least that of the process that started it. This one is small."""

import os
import sys
import time

report, *command = sys.argv[1:]
began = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ)
_, status, used = os.wait4(process, 0)
seconds = time.perf_counter() - began
with open(report, "w") as out:
    print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=out)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
