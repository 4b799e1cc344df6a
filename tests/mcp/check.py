#!/usr/bin/env python3
"""Drives `nightscribe mcp` with the official Python client, in both forms of the protocol.

    check.py NIGHTSCRIBE PACKAGES

NIGHTSCRIBE is the program. PACKAGES is a folder with the packages of requirements.txt. Exits with 1 at the first answer that is
not as expected. The client compares each answer with the schema of its tool."""

import asyncio
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [sys.argv[2], str(pathlib.Path(__file__).parent.parent / "readers")]

import stored  # noqa: E402
from mcp import Client, StdioServerParameters  # noqa: E402
from mcp.shared.exceptions import MCPError  # noqa: E402

READ = {"search", "read_passage", "list", "show", "status"}
ACTIONS = {"retry", "cancel", "pause", "resume"}
LINES = ["The quarterly budget is late.", "We talk about <it> & \"more\".", "会議は明日です。"]


def result():
    """Returns a result of the service: a line for each of two speakers in turn, twenty seconds apart."""
    spoken = []
    for number, line in enumerate(LINES):
        for at, word in enumerate(line.split()):
            start = number * 20 + at * 0.5
            spoken.append(
                {
                    "word": word,
                    "punctuated_word": word,
                    "start": start,
                    "end": start + 0.4,
                    "confidence": 0.9,
                    "speaker": number % 2,
                }
            )
    channel = {"alternatives": [{"transcript": " ".join(LINES), "confidence": 0.9, "words": spoken}]}
    return {"metadata": {"duration": 60.0, "channels": 1}, "results": {"channels": [channel]}}


async def answer(client, tool, **arguments):
    called = await client.call_tool(tool, arguments)
    text = called.content[0].text
    assert not called.is_error, f"{tool}: {text}"
    return called.structured_content


async def refusal(client, tool, **arguments):
    called = await client.call_tool(tool, arguments)
    assert called.is_error, f"{tool} {arguments}: {called}"
    return called.content[0].text


async def check_reading(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == READ, set(tools)
    assert all(tool.output_schema and tool.annotations.read_only_hint for tool in tools.values())
    found = await answer(client, "search", query='"quarterly budget"')
    hit = found["hits"][0]
    passage = hit["passages"][0]
    assert (hit["relative"], passage["start_s"]) == ("talk.wav", 0), hit
    assert (await answer(client, "search", query="会議"))["hits"], "Japanese is not found"
    read = await answer(client, "read_passage", item=hit["item"], at_s=passage["start_s"], around_s=5)
    assert [one["text"] for one in read["paragraphs"]] == LINES[:1], read
    following = await answer(client, "read_passage", item=hit["item"], at_s=read["after_s"], around_s=5)
    assert [one["text"] for one in following["paragraphs"]] == LINES[1:2], following
    items = (await answer(client, "list", states=["done"]))["items"]
    shown = await answer(client, "show", item=items[0]["id"])
    assert shown["state"] == "done", shown
    assert (await answer(client, "status"))["counts"]["done"] == len(items)
    assert "there is no item" in await refusal(client, "show", item=99)
    assert "quot" in await refusal(client, "search", query='"open')
    assert "limit" in await refusal(client, "list", limit=1000)
    assert await refusal(client, "read_passage", item="one")
    try:
        await client.call_tool("pause", {})
    except MCPError:
        pass
    else:
        raise AssertionError("an action was possible without --allow-actions")


async def check_actions(client):
    assert {tool.name for tool in (await client.list_tools()).tools} == READ | ACTIONS
    assert (await answer(client, "pause"))["is_paused"]
    assert (await answer(client, "status"))["holds"][0]["kind"] == "operator"
    assert (await answer(client, "resume"))["is_resumed"]
    item = (await answer(client, "list"))["items"][0]["id"]
    assert (await answer(client, "retry", ids=[item]))["refused"] == [{"item": item, "state": "done"}]
    assert (await answer(client, "cancel", ids=[item]))["refused"] == [{"item": item, "state": "done"}]


async def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        stored.export(binary, folder, {"talk": (result(), {"diarize": True}, "nova-2-general")}, ["txt"])
        for mode in ("auto", "legacy"):
            for args, check in ((["mcp"], check_reading), (["mcp", "--allow-actions"], check_actions)):
                server = StdioServerParameters(command=binary, args=args, cwd=folder)
                async with Client(server, mode=mode, read_timeout_seconds=60) as client:
                    assert client.server_info.name == "nightscribe", client.server_info
                    await check(client)
                    version = client.protocol_version
            print(f"MCP {version}: all tools answered")


if __name__ == "__main__":
    asyncio.run(main())
