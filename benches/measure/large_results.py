"""Memory of large results, from a service that answers every poll with the same one."""

import contextlib
import http.server
import json
import threading

from .configuration import write_config
from .figures import at_most
from .machine import MeasurementError
from .recordings import clips

KIB = 1024
MB = 1_000_000
UPLOADS = 16


def large_results(machine):
    """1,000 results of 2 MB with 16 uploads at once, and one of 40 MB: peak memory"""
    many, size = (50, 2 * MB) if machine.quick else (1000, 2 * MB)
    return [
        at_most(f"{many:,} results of 2 MB, {UPLOADS} uploads, peak memory", peak_mib(machine, many, size), 96, "MiB"),
        at_most(
            "one result of 40 MB, peak memory",
            peak_mib(machine, 1, 40 * MB),
            80,
            "MiB",
            evidence="memory-of-a-large-result",
        ),
    ]


def peak_mib(machine, count, size):
    """Returns the peak memory of a run with `count` results of `size` bytes."""
    home = machine.folder()
    recordings = clips(home / "recordings", count, 4 * KIB)
    with service(answer(size)) as base_url:
        config = write_config(home, recordings, base_url=base_url, max_uploads=UPLOADS)
        run = machine.run(machine.nightscribe, "--config", config, "--quiet", "run", "--once")
    sizes = [path.stat().st_size for path in (home / "transcripts").rglob("*.json")]
    if len(sizes) != count or min(sizes) < size:
        raise MeasurementError(f"{len(sizes)} of {count} results were written")
    return run.peak_mib


def answer(size):
    """Returns an answer in the form of Deepgram, of slightly more than `size` bytes. Each sentence has twelve words."""

    def word(number):
        text, start = f"word{number % 977}", round(number * 0.3, 2)
        times = {"start": start, "end": round(start + 0.25, 2), "confidence": 0.98, "speaker": number // 50 % 2}
        return {"word": text, **times, "punctuated_word": text + "." * (number % 12 == 11)}

    sample = sum(len(json.dumps(word(number))) + len(word(number)["punctuated_word"]) + 3 for number in range(100_000, 101_000))
    words = [word(number) for number in range(size * 1050 // sample)]
    transcript = " ".join(one["punctuated_word"] for one in words)
    channels = [{"alternatives": [{"transcript": transcript, "confidence": 0.98, "words": words}]}]
    metadata = {"duration": round(len(words) * 0.3, 2), "channels": 1}
    result = {"metadata": metadata, "results": {"channels": channels}}
    return json.dumps({"status": "completed", "result": result}).encode()


@contextlib.contextmanager
def service(poll):
    """Runs a service that accepts every upload, until the end of the block. Yields its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            left = int(self.headers["content-length"])
            while left > 0:
                left -= len(self.rfile.read(min(left, 1 << 16)))
            with server.lock:
                server.accepted += 1
                self.reply(201, json.dumps({"generation_id": f"generation-{server.accepted}"}).encode())

        def do_GET(self):
            is_poll = self.path.startswith("/v1/stt/")
            self.reply(*(200, poll) if is_poll else (404, b'{"message": "not found"}'))

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.lock, server.accepted = threading.Lock(), 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
