"""What a client of market data does with the product: list, call, stream, cancel, watch, read the tape."""

import asyncio
import json
import re
import time

from check import expect, fail
from client import Client, text_of, until

TOOLS = set(
    "get_snapshot_ticker get_aggs get_previous_close_agg get_last_trade list_tickers get_ticker_details"
    " list_ticker_news get_market_status get_market_holidays stream_market_news stream_stock_prices read_tape".split()
)
STREAM_MS = 3_000
# How long "at once" may take on a loaded test machine.
PROMPT_SECS = 2.0


async def market(client: Client, code_of) -> None:
    await list_tools(client)
    await call_a_tool(client)
    await be_refused(client, code_of)
    await stream(client)
    await cancel(client)
    await watch_a_resource(client)
    await prompt_and_completion(client)
    await read_the_tape(client)


async def list_tools(client: Client) -> None:
    tools = {tool["name"]: tool for tool in await client.list_all("tools")}
    expect(TOOLS <= tools.keys(), f"the tools {sorted(TOOLS)}", f"missing: {sorted(TOOLS - tools.keys())}")
    for name in TOOLS:
        tool = tools[name]
        expect(bool(tool["description"]), f"a description of {name}", tool)
        expect(tool["inputSchema"].get("type") == "object", f"an input schema of {name}", tool)
        expect(tool["outputSchema"].get("type") == "object", f"an output schema of {name}", tool)


async def call_a_tool(client: Client) -> None:
    # The client itself validates structuredContent against the output schema and raises if they differ.
    result = await client.call("get_snapshot_ticker", {"market_type": "stocks", "ticker": "AAPL"})
    expect(not result.get("isError"), "a snapshot of AAPL", result)
    content = result.get("structuredContent", {})
    expect("results" in content, "results in structuredContent", content)
    expect(content.get("_freshness", {}).get("source") == "simulated", "_freshness.source simulated", content)
    json.loads(text_of(result))


async def be_refused(client: Client, code_of) -> None:
    result = await client.call("get_snapshot_ticker", {"market_type": "stocks", "ticker": "../no symbol"})
    expect(result.get("isError") is True, "isError for a bad symbol", result)
    expect("ticker" in text_of(result), "an error text that names `ticker`", text_of(result))
    try:
        fail("JSON-RPC error -32602 for an unknown tool", await client.call("no_such_tool", {}))
    except Exception as error:
        expect(code_of(error) == -32602, "JSON-RPC error -32602 for an unknown tool", error)


async def stream(client: Client) -> None:
    started, seen = time.monotonic(), []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((time.monotonic() - started, progress, total, json.loads(message or "null")))

    arguments = {"stream": True, "symbols": ["AAPL", "TSLA"], "interval": 1000, "duration": STREAM_MS}
    result = await client.call("stream_stock_prices", arguments, on_progress)
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
    expect(not result.get("isError"), "a result at the end of the stream", result)
    content = result.get("structuredContent", {})
    expect(content.get("count", 0) >= 2, "count >= 2", content)
    expect(len(content["events"]) == content["count"], "count = the events shown", content)
    expect(STREAM_MS / 1000 - 1 < took < STREAM_MS / 1000 + 3, f"a stream of {STREAM_MS} ms", took)


async def cancel(client: Client) -> None:
    streaming = asyncio.Event()

    async def on_progress(*_: object) -> None:
        streaming.set()

    arguments = {"stream": True, "symbols": ["AAPL"], "interval": 1000, "duration": 60_000}
    call = asyncio.create_task(client.call("stream_stock_prices", arguments, on_progress))
    await asyncio.wait_for(streaming.wait(), 5)
    call.cancel()
    started = time.monotonic()
    await asyncio.gather(call, return_exceptions=True)
    expect(call.cancelled(), "a cancelled call", call)
    if client.stateful:
        await client.ping()
    await client.call("get_market_status", {})
    took = time.monotonic() - started
    expect(took < PROMPT_SECS, f"answers within {PROMPT_SECS} s after a cancellation", took)


async def watch_a_resource(client: Client) -> None:
    uri, updates = "market://quote/AAPL", client.heard.updates
    async with client.watching(uri):
        await until(lambda: len(updates) >= 2, 10, f"two changes of {uri}", lambda: updates)
        expect(set(updates) == {uri}, f"changes of {uri} alone", updates)
        content = (await client.read(uri))["contents"][0]
        expect("AAPL" in content["text"], "the quote of AAPL", content)


async def prompt_and_completion(client: Client) -> None:
    names = [prompt["name"] for prompt in await client.list_all("prompts")]
    expect("stock_brief" in names, "the prompt stock_brief", names)
    values = await client.complete({"type": "ref/resource", "uri": "market://quote/{symbol}"}, "symbol", "AAP")
    expect("AAPL" in values, "AAPL completes AAP", values)


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
    result = await client.call("read_tape", arguments)
    expect(not result.get("isError"), f"an answer to read_tape {arguments}", result)
    return result.get("structuredContent", {})


def position_order(position: str) -> tuple[str, int]:
    parts = re.fullmatch(r"(.+)-(\d+)", position)
    if parts is None:
        fail("a position <epoch>-<seq>", position)
    return parts[1], int(parts[2])
