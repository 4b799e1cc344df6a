"""Baseline: an asyncio loop without a queue.

It uploads, polls immediately and then every 20 ms, and writes without a sync.

usage: asyncio_loop.py BASE_URL RECORDINGS OUT TASKS
"""

import asyncio
import json
import pathlib
import sys

import aiohttp

MODEL = "#g1_nova-2-general"
POLL_INTERVAL_S = 0.02


async def transcribe(session, base_url, path, out):
    form = aiohttp.FormData()
    form.add_field("model", MODEL)
    form.add_field("audio", path.read_bytes(), filename=path.name, content_type="audio/wav")
    async with session.post(f"{base_url}/stt/create", data=form) as response:
        response.raise_for_status()
        generation = (await response.json())["generation_id"]
    while True:
        async with session.get(f"{base_url}/stt/{generation}") as response:
            response.raise_for_status()
            polled = await response.json()
        if polled["status"] == "completed":
            break
        await asyncio.sleep(POLL_INTERVAL_S)
    result = polled["result"]
    text = result["results"]["channels"][0]["alternatives"][0]["transcript"]
    (out / f"{path.name}.txt").write_text(text)
    (out / f"{path.name}.json").write_text(json.dumps(result))


async def main(base_url, recordings, out, tasks):
    paths = iter(list(pathlib.Path(recordings).iterdir()))

    async def work(session):
        for path in paths:
            await transcribe(session, base_url, path, pathlib.Path(out))

    connector = aiohttp.TCPConnector(limit=tasks)
    headers = {"Authorization": "Bearer bench"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*(work(session) for _ in range(tasks)))


asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
