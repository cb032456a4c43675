"""Does the official Python client (PyPI `mcp` 2.x) work with us, unchanged, whether it probes first or not?

    python official_client.py http://127.0.0.1:8080/mcp [--key KEY]
"""

import asyncio
import json
import re
import time
import warnings

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

from check import expect, fail, main

warnings.simplefilter("ignore", MCPDeprecationWarning)

TOOLS = set(
    "get_snapshot_ticker get_aggs get_previous_close_agg get_last_trade list_tickers get_ticker_details"
    " list_ticker_news get_market_status get_market_holidays stream_market_news stream_stock_prices read_tape".split()
)
STREAM_MS = 5_000
# How long "at once" may take on a loaded test machine.
PROMPT_SECS = 2.0


def run(url: str, key: str | None) -> None:
    asyncio.run(both_modes(url, key))


async def both_modes(url: str, key: str | None) -> None:
    # `auto` asks `server/discover` first and falls back to `initialize`; `legacy` begins with `initialize`.
    await one_mode(url, {"Authorization": f"Bearer {key}"} if key else {}, mode="auto", version="2025-11-25")
    await one_mode(url, {"X-API-Key": key} if key else {}, mode="legacy", version="2025-11-25")


async def one_mode(url: str, headers: dict[str, str], mode: str, version: str) -> None:
    async with create_mcp_http_client(headers=headers) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode, read_timeout_seconds=30) as client:
            print(f"connected in mode {mode}: {client.protocol_version}, {client.server_info}", flush=True)
            expect(client.protocol_version == version, f"revision {version} in mode {mode}", client.protocol_version)
            expect(client.server_capabilities.tools is not None, "the tools capability", client.server_capabilities)
            await list_tools(client)
            await call_a_tool(client)
            await be_refused(client)
            await stream(client)
            await cancel(client)
            await read_the_tape(client)
            await client.send_ping()


async def list_tools(client: Client) -> None:
    tools, cursor = {}, None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools.update({tool.name: tool for tool in page.tools})
        cursor = page.next_cursor
        if cursor is None:
            break
    expect(TOOLS <= tools.keys(), f"the tools {sorted(TOOLS)}", f"missing: {sorted(TOOLS - tools.keys())}")
    for name in TOOLS:
        tool = tools[name]
        expect(bool(tool.description), f"a description of {name}", tool)
        expect(tool.input_schema.get("type") == "object", f"an input schema of {name}", tool.input_schema)
        expect((tool.output_schema or {}).get("type") == "object", f"an output schema of {name}", tool.output_schema)


async def call_a_tool(client: Client) -> None:
    # The client itself validates structuredContent against the output schema and raises if they differ.
    result = await client.call_tool("get_snapshot_ticker", {"market_type": "stocks", "ticker": "AAPL"})
    expect(not result.is_error, "a snapshot of AAPL", result)
    content = result.structured_content or {}
    expect("results" in content, "results in structuredContent", content)
    expect(content.get("_freshness", {}).get("source") == "simulated", "_freshness.source simulated", content)
    json.loads(text_of(result))


async def be_refused(client: Client) -> None:
    result = await client.call_tool("get_snapshot_ticker", {"market_type": "stocks", "ticker": "../no symbol"})
    expect(result.is_error is True, "isError for a bad symbol", result)
    expect("ticker" in text_of(result), "an error text that names `ticker`", text_of(result))
    try:
        result = await client.call_tool("no_such_tool", {})
        fail("JSON-RPC error -32602 for an unknown tool", result)
    except MCPError as error:
        expect(error.code == -32602, "JSON-RPC error -32602 for an unknown tool", error.error)


async def stream(client: Client) -> None:
    started, seen = time.monotonic(), []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((time.monotonic() - started, progress, total, json.loads(message or "null")))

    arguments = {"stream": True, "symbols": ["AAPL", "TSLA"], "interval": 1000, "duration": STREAM_MS}
    result = await client.call_tool("stream_stock_prices", arguments, progress_callback=on_progress)
    took = time.monotonic() - started

    expect(len(seen) >= 3, "several progress notifications", seen)
    expect(seen[0][0] < 1.0, "the first progress within 1 s", seen[0])
    progress = [entry[1] for entry in seen]
    expect(all(a < b for a, b in zip(progress, progress[1:])), "strictly increasing progress", progress)
    expect(all(entry[2] == STREAM_MS for entry in seen), f"total = {STREAM_MS}", seen)
    items = [entry[3] for entry in seen if "status" not in entry[3]]
    expect(len(items) >= 2, "at least 2 prices", items)
    for item in items:
        expect(item.get("symbol") in ("AAPL", "TSLA") and item.get("price", 0) > 0, "an item with symbol and price", item)
    expect({item["symbol"] for item in items} == {"AAPL", "TSLA"}, "prices of both symbols", items)
    expect(not result.is_error, "a result at the end of the stream", result)
    content = result.structured_content or {}
    expect(content.get("count", 0) >= 2, "count >= 2", content)
    expect(len(content["events"]) == content["count"], "count = the events shown", content)
    expect(STREAM_MS / 1000 - 1 < took < STREAM_MS / 1000 + 3, f"a stream of {STREAM_MS} ms", took)


async def cancel(client: Client) -> None:
    streaming = asyncio.Event()

    async def on_progress(*_: object) -> None:
        streaming.set()

    arguments = {"stream": True, "symbols": ["AAPL"], "interval": 1000, "duration": 60_000}
    call = asyncio.create_task(client.call_tool("stream_stock_prices", arguments, progress_callback=on_progress))
    await asyncio.wait_for(streaming.wait(), 5)
    call.cancel()
    started = time.monotonic()
    await asyncio.gather(call, return_exceptions=True)
    expect(call.cancelled(), "a cancelled call", call)
    await client.send_ping()
    await client.call_tool("get_market_status", {})
    took = time.monotonic() - started
    expect(took < PROMPT_SECS, f"answers within {PROMPT_SECS} s after a cancellation", took)


async def read_the_tape(client: Client) -> None:
    first = await read(client, {"topics": ["prices:AAPL"]})
    expect(len(first["events"]) >= 1, "the newest event of prices:AAPL", first)
    second = await read(client, {"topics": ["prices:AAPL"], "after": first["position"], "wait_ms": 5000})
    expect(len(second["events"]) >= 1, "a further event within 5 s", second)
    expect("gap" not in second, "no gap after a fresh position", second)
    positions = [event["position"] for event in first["events"]] + [event["position"] for event in second["events"]]
    expect(len(set(positions)) == len(positions), "every event once over the two reads", positions)
    order = [position_order(position) for position in positions]
    expect(len({epoch for epoch, _ in order}) == 1, "one epoch", positions)
    expect(all(a < b for a, b in zip(order, order[1:])), "strictly increasing positions", positions)
    expect(position_order(first["position"]) < order[-1] <= position_order(second["position"]),
           "events between the two positions", (first["position"], positions, second["position"]))


async def read(client: Client, arguments: dict) -> dict:
    result = await client.call_tool("read_tape", arguments)
    expect(not result.is_error, f"an answer to read_tape {arguments}", result)
    return result.structured_content or {}


def position_order(position: str) -> tuple[str, int]:
    parts = re.fullmatch(r"(.+)-(\d+)", position)
    if parts is None:
        fail("a position <epoch>-<seq>", position)
    return parts[1], int(parts[2])


def text_of(result) -> str:
    texts = [block.text for block in result.content if block.type == "text"]
    expect(len(texts) >= 1, "text content", result.content)
    return texts[0]


main("official_client", run)
