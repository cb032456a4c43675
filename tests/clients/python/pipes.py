"""Does the official Python client (PyPI `mcp` 2.x) work with us over stdio and over HTTP+SSE, unchanged?

    python pipes.py PROGRAM                        # starts it and speaks over stdio, in both eras
    python pipes.py http://127.0.0.1:8080/sse      # the transport of 2024-11-05
"""

import asyncio
import json
import tempfile
import time
import warnings

from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

from check import expect, fail, main

warnings.simplefilter("ignore", MCPDeprecationWarning)

STREAM_MS = 2_500
# How long "at once" may take on a loaded test machine.
PROMPT_SECS = 2.0


def run(target: str, key: str | None) -> None:
    asyncio.run(over_http_sse(target, key) if target.startswith("http") else over_stdio(target))


async def over_stdio(program: str) -> None:
    # `auto` asks `server/discover` first; `legacy` begins with `initialize`.
    for mode, version in [("auto", "2026-07-28"), ("legacy", "2025-11-25")]:
        with tempfile.TemporaryDirectory() as folder:
            server = StdioServerParameters(
                command=program, args=["serve", "--transport", "stdio", "--log-level", "DEBUG"], env={"DATA_DIR": folder}, cwd=folder
            )
            started = time.monotonic()
            async with Client(server, mode=mode, read_timeout_seconds=30) as client:
                await converse(client, mode, version)
                if mode == "legacy":
                    await client.send_ping()
                leaving = time.monotonic()
            took = time.monotonic() - leaving
            expect(took < PROMPT_SECS, f"an end within {PROMPT_SECS} s of the client's", took)
            print(f"{mode}: done after {time.monotonic() - started:.1f} s", flush=True)


async def over_http_sse(url: str, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for mode in ["auto", "legacy"]:
        async with Client(sse_client(url, headers=headers), mode=mode, read_timeout_seconds=30) as client:
            await converse(client, mode, "2025-11-25")
            await client.send_ping()


async def converse(client: Client, mode: str, version: str) -> None:
    print(f"connected in mode {mode}: {client.protocol_version}, {client.server_info}", flush=True)
    expect(client.protocol_version == version, f"revision {version} in mode {mode}", client.protocol_version)
    tools = {tool.name for tool in (await client.list_tools()).tools}
    expect({"get_snapshot_ticker", "stream_stock_prices", "read_tape"} <= tools, "our tools", tools)
    expect(len((await client.list_prompts()).prompts) > 0, "prompts", "none")
    await call(client)
    await stream(client)
    await cancel(client)


async def call(client: Client) -> None:
    # The client itself validates structuredContent against the output schema and raises if they differ.
    result = await client.call_tool("get_snapshot_ticker", {"market_type": "stocks", "ticker": "AAPL"})
    expect(not result.is_error, "a snapshot of AAPL", result)
    expect((result.structured_content or {})["_freshness"]["source"] == "simulated", "_freshness.source simulated", result)
    try:
        fail("JSON-RPC error -32602 for an unknown tool", await client.call_tool("no_such_tool", {}))
    except MCPError as error:
        expect(error.code == -32602, "JSON-RPC error -32602 for an unknown tool", error.error)


def prices(duration: int) -> dict:
    return {"stream": True, "symbols": ["AAPL", "TSLA"], "interval": 1000, "duration": duration}


async def stream(client: Client) -> None:
    seen = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, json.loads(message or "null")))

    result = await client.call_tool("stream_stock_prices", prices(STREAM_MS), progress_callback=on_progress)
    expect(not result.is_error, "a result at the end of the stream", result)
    progress = [entry[0] for entry in seen]
    expect(len(seen) >= 3 and all(a < b for a, b in zip(progress, progress[1:])), "increasing progress", seen)
    items = [entry[2] for entry in seen if "status" not in entry[2]]
    expect({item["symbol"] for item in items} == {"AAPL", "TSLA"}, "prices of both symbols", items)


async def cancel(client: Client) -> None:
    streaming = asyncio.Event()

    async def on_progress(*_: object) -> None:
        streaming.set()

    call = asyncio.create_task(client.call_tool("stream_stock_prices", prices(60_000), progress_callback=on_progress))
    await asyncio.wait_for(streaming.wait(), 5)
    call.cancel()
    started = time.monotonic()
    await asyncio.gather(call, return_exceptions=True)
    await client.call_tool("get_market_status", {})
    took = time.monotonic() - started
    expect(took < PROMPT_SECS, f"answers within {PROMPT_SECS} s after a cancellation", took)


main("pipes", run)
