"""Queues with many jobs, inserted by SQL because a million real recordings would take too long.

The schema is created by nightscribe. The statements name only the required columns."""

import sqlite3
import time
import zlib

HOUR_MS = 3_600_000
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end})"
NAME = "printf('d%04d/clip-%07d', i / 1000, i)"

RECORDINGS = """INSERT INTO recordings
    (id, source, kind, location, relative, folder, base_name, size_bytes, modified_at, duration_s, recorded_at,
     seen_at)
  SELECT i, 'clips', 'file', CAST(:root || '/' || {name} || '.wav' AS BLOB), CAST({name} || '.wav' AS BLOB),
    CAST(printf('d%04d', i / 1000) AS BLOB), CAST(printf('clip-%07d', i) AS BLOB), 32768, :now, 60.0, :now, :now FROM n"""
JOBS = """INSERT INTO jobs (id, recording_id, model, options, state, due_at, attempts, run_id, sha256, generation_id,
    accepted_at, expires_at, error_class, error_message, created_at, updated_at)
  SELECT i, i, '#g1_nova-2-general', '{{}}', :state, :now, 1, iif(:state = 'pending', 1, NULL), printf('%064x', i),
    iif(:state = 'failed', NULL, 'filled-' || i), :now, :now + :hour, iif(:state = 'failed', 'transcription', NULL),
    iif(:state = 'failed', 'the service cannot read it', NULL), :now, :now FROM n"""
ATTEMPTS = """INSERT INTO attempts (id, job_id, run_id, client_request_id, started_at, ended_at, outcome, generation_id)
  SELECT i, i, 1, 'filled-' || i, :now, iif(:state = 'pending', NULL, :now),
    CASE :state WHEN 'pending' THEN 'accepted' WHEN 'failed' THEN 'refused' ELSE 'completed' END, 'filled-' || i FROM n"""
RESULTS = """INSERT INTO results (job_id, raw, received_at, duration_s, words, language, silent)
  SELECT i, :raw, :now, 60.0, 30, 'en', 0 FROM n"""
OUTPUTS = """INSERT INTO outputs (path, job_id, size_bytes, written_at)
  SELECT CAST(:out || '/' || {name} || :extension AS BLOB), i, 1000, :now FROM n"""


def fill(machine, home, config, done=0, pending=0, failed=0):
    """Creates a queue with these jobs. Pending jobs are accepted now and expire in one hour."""
    machine.run(machine.nightscribe, "--config", config, "scan")
    database = sqlite3.connect(home / "state" / "nightscribe.db")
    database.execute("PRAGMA synchronous = OFF")
    now = int(time.time() * 1000)
    database.execute("INSERT OR IGNORE INTO runs (id, pid, started_at, ended_at) VALUES (1, 1, ?1, ?1)", (now,))
    values = {
        "now": now,
        "hour": HOUR_MS,
        "root": str(home / "recordings"),
        "out": str(home / "transcripts" / "clips"),
        "raw": zlib.compress(b'{"results": "a transcript as long as a short clip has it"}' * 8, wbits=31),
    }
    first = 1
    for state, count in (("done", done), ("failed", failed), ("pending", pending)):
        numbers, values["state"] = NUMBERS.format(first=first, end=first + count), state
        statements = [RECORDINGS, JOBS, ATTEMPTS] if count else []
        if state == "done" and count:
            statements += [RESULTS, OUTPUTS.replace(":extension", "'.json'"), OUTPUTS.replace(":extension", "'.txt'")]
        for statement in statements:
            database.execute(f"{numbers} {statement.format(name=NAME)}", values)
        first += count
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
