"""Does the official Python client (PyPI `mcp` 2.x) work with us, unchanged, whether it probes first or not?

    python official_client.py http://127.0.0.1:8080/mcp http://127.0.0.1:8090/mcp [--key KEY]
"""

import asyncio
import contextlib
import warnings

import mcp
import mcp_types as types
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import PromptsListChanged, ResourceUpdated, ToolsListChanged
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPDeprecationWarning

from check import expect, main
from client import ROOT, Client, every_page, filled_in, running, sampled, wire
from everything import everything
from market import market

warnings.simplefilter("ignore", MCPDeprecationWarning)


def run(url: str, fixtures: str, key: str | None) -> None:
    asyncio.run(every_mode(url, fixtures, key))


async def every_mode(url: str, fixtures: str, key: str | None) -> None:
    # `auto` asks `server/discover` first and falls back to `initialize`; `legacy` begins with `initialize`.
    bearer, plain = ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}) if key else ({}, {})
    await asyncio.gather(
        one_mode(url, bearer, "auto", market),
        one_mode(url, plain, "legacy", market),
        # One after the other: both change the lists.
        everything_in_turn(fixtures),
    )


async def everything_in_turn(fixtures: str) -> None:
    for mode in ("auto", "legacy"):
        await one_mode(fixtures, {}, mode, everything)


async def one_mode(url: str, headers: dict[str, str], mode: str, checks) -> None:
    client = Version2()
    async with create_mcp_http_client(headers=headers) as http:
        async with client.library(streamable_http_client(url, http_client=http), mode):
            print(f"{checks.__name__} in mode {mode}: {client.revision}, {client.session.server_info}", flush=True)
            expected = "2026-07-28" if mode == "auto" else "2025-11-25"
            expect(client.revision == expected, f"revision {expected} in mode {mode}", client.revision)
            await checks(client, lambda error: getattr(error, "code", error))


class Version2(Client):
    """`mcp.Client`."""

    def library(self, transport, mode: str) -> mcp.Client:
        self.session = mcp.Client(
            transport, mode=mode, read_timeout_seconds=30, log_level="info",
            sampling_callback=self.sample, elicitation_callback=self.elicit, list_roots_callback=self.roots,
            logging_callback=self.log, message_handler=self.hear,
        )
        return self.session

    @property
    def revision(self) -> str:
        return self.session.protocol_version

    @property
    def stateful(self) -> bool:
        return self.revision < "2026-07-28"

    async def sample(self, _, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        content = types.TextContent(type="text", text=sampled(wire(params)))
        return types.CreateMessageResult(role="assistant", model="none", content=content)

    async def elicit(self, _, params: types.ElicitRequestParams) -> types.ElicitResult:
        action, content = filled_in(wire(params))
        return types.ElicitResult(action=action, content=content)

    async def roots(self, _) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(**ROOT)])

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.heard.notification("notifications/message", wire(params))

    async def hear(self, message) -> None:
        # What a listen stream brings comes here too, but is counted there.
        if isinstance(message, Exception):
            raise message
        if self.stateful and message.method != "notifications/message":
            self.heard.notification(message.method, wire(message).get("params", {}))

    async def list_all(self, kind: str) -> list[dict]:
        page = getattr(self.session, {"templates": "list_resource_templates"}.get(kind, f"list_{kind}"))
        return await every_page(lambda cursor: page(cursor=cursor), kind)

    async def call(self, name: str, arguments: dict | None = None, on_progress=None) -> dict:
        return wire(await self.session.call_tool(name, arguments, progress_callback=on_progress))

    async def prompt(self, name: str, arguments: dict | None = None) -> dict:
        return wire(await self.session.get_prompt(name, arguments))

    async def read(self, uri: str) -> dict:
        return wire(await self.session.read_resource(uri))

    async def complete(self, ref: dict, argument: str, value: str) -> list[str]:
        kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        answer = await self.session.complete(kind(**ref), {"name": argument, "value": value})
        return answer.completion.values

    async def ping(self) -> None:
        await self.session.send_ping()

    @contextlib.asynccontextmanager
    async def watching(self, uri: str):
        if self.stateful:
            await self.session.subscribe_resource(uri)
            yield
            await self.session.unsubscribe_resource(uri)
            return
        lists = {"tools_list_changed": True, "prompts_list_changed": True}
        async with self.session.listen(**lists, resource_subscriptions=[uri]) as events:
            expect(events.honored.resource_subscriptions == [uri], f"a subscription to {uri}", events.honored)
            async with running(listen(events, self.heard)):
                yield


async def listen(events, heard) -> None:
    async for event in events:
        match event:
            case ResourceUpdated(uri=uri):
                heard.updates.append(uri)
            case ToolsListChanged():
                heard.tools_changed += 1
            case PromptsListChanged():
                heard.prompts_changed += 1


if __name__ == "__main__":
    main("official_client", run, needs_fixtures=True)
