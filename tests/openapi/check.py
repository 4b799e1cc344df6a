#!/usr/bin/env python3
"""Compares the answers of a running server with `docs/openapi.json`, by schemathesis: statuses, types and schemas of the answers to
valid and invalid requests, and methods that are not described.

    check.py NIGHTSCRIBE PACKAGES [--examples N] [--seed N]

NIGHTSCRIBE is the program, built with the sandbox. PACKAGES is a folder with the packages of requirements.txt. Exits with 1 at a
status of 500 or above, or an answer that is not described."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONFIG = pathlib.Path(__file__).resolve().parent / "schemathesis.toml"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/browser"))

from fixture import Site  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, metavar="NIGHTSCRIBE")
    parser.add_argument("packages", type=pathlib.Path, metavar="PACKAGES")
    parser.add_argument("--examples", type=int, default=30, help="requests for each operation and kind")
    parser.add_argument("--seed", type=int, default=1, help="seed of the requests")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        site = Site(args.program.resolve(), pathlib.Path(folder), [], 0)
        try:
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run", ROOT / "docs/openapi.json", "--url", site.address + "/api/v1"]
            # A stream of events has no end.
            command += ["--exclude-path", "/events", "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"]
            command += ["--max-examples", str(args.examples), "--seed", str(args.seed), "--no-color"]
            environment = {**os.environ, "PYTHONPATH": str(args.packages.resolve()), "HOME": folder}
            status = subprocess.run(command, env=environment, cwd=folder).returncode
        finally:
            site.close()
    sys.exit(1 if status else 0)


if __name__ == "__main__":
    main()
