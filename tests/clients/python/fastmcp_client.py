"""Does the client of FastMCP 4.x work with us, whether it probes first or not?

    python fastmcp_client.py http://127.0.0.1:8080/mcp http://127.0.0.1:8090/mcp [--key KEY]
"""

import asyncio
import contextlib
import warnings

import fastmcp
import mcp_types as types
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.subscriptions import listen as open_listen
from mcp.shared.exceptions import MCPDeprecationWarning

from check import expect, main
from client import ROOT, Client, filled_in, running, sampled, wire
from everything import everything
from market import market
from official_client import listen

warnings.simplefilter("ignore", MCPDeprecationWarning)


def run(url: str, fixtures: str, key: str | None) -> None:
    asyncio.run(every_mode(url, fixtures, {"X-API-Key": key} if key else {}))


async def every_mode(url: str, fixtures: str, headers: dict[str, str]) -> None:
    await asyncio.gather(
        one_mode(url, headers, "auto", market),
        one_mode(url, headers, "legacy", market),
        everything_in_turn(fixtures),
    )


async def everything_in_turn(fixtures: str) -> None:
    for mode in ("auto", "legacy"):
        await one_mode(fixtures, {}, mode, everything)


async def one_mode(url: str, headers: dict[str, str], mode: str, checks) -> None:
    client = FastMcp()
    async with client.library(StreamableHttpTransport(url, headers=headers), mode):
        print(f"{checks.__name__} in mode {mode}: {client.revision}", flush=True)
        expected = "2026-07-28" if mode == "auto" else "2025-11-25"
        expect(client.revision == expected, f"revision {expected} in mode {mode}", client.revision)
        await checks(client, lambda error: getattr(error, "code", error))


class FastMcp(Client):
    """`fastmcp.Client`."""

    def library(self, transport, mode: str) -> fastmcp.Client:
        self.session = fastmcp.Client(
            transport, mode=mode, timeout=30, roots=[types.Root(**ROOT)], sampling_handler=self.sample,
            elicitation_handler=self.elicit, log_handler=self.log, message_handler=self.hear,
        )
        return self.session

    @property
    def revision(self) -> str:
        return self.session.protocol_version

    @property
    def stateful(self) -> bool:
        return self.revision < "2026-07-28"

    async def sample(self, _, params: types.CreateMessageRequestParams, __) -> str:
        return sampled(wire(params))

    async def elicit(self, _, __, params: types.ElicitRequestParams, ___) -> types.ElicitResult:
        action, content = filled_in(wire(params))
        return types.ElicitResult(action=action, content=content)

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.heard.notification("notifications/message", wire(params))

    async def hear(self, message) -> None:
        # What a listen stream brings comes here too, but is counted there.
        if isinstance(message, Exception):
            raise message
        if self.stateful and message.method != "notifications/message":
            self.heard.notification(message.method, wire(message).get("params", {}))

    async def list_all(self, kind: str) -> list[dict]:
        every = getattr(self.session, {"templates": "list_resource_templates"}.get(kind, f"list_{kind}"))
        return [wire(entry) for entry in await every()]

    async def call(self, name: str, arguments: dict | None = None, on_progress=None) -> dict:
        return wire(await self.session.call_tool_mcp(name, arguments or {}, progress_handler=on_progress))

    async def prompt(self, name: str, arguments: dict | None = None) -> dict:
        return wire(await self.session.get_prompt(name, arguments))

    async def read(self, uri: str) -> dict:
        return wire(await self.session.read_resource_mcp(uri))

    async def complete(self, ref: dict, argument: str, value: str) -> list[str]:
        kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        return (await self.session.complete(kind(**ref), {"name": argument, "value": value})).values

    async def ping(self) -> None:
        expect(await self.session.ping(), "an answer to a ping", False)

    @contextlib.asynccontextmanager
    async def watching(self, uri: str):
        # FastMCP has no method of its own for either; its session is the official one.
        session = self.session.session
        if self.stateful:
            await session.subscribe_resource(uri)
            yield
            await session.unsubscribe_resource(uri)
            return
        lists = {"tools_list_changed": True, "prompts_list_changed": True}
        async with open_listen(session, **lists, resource_subscriptions=[uri]) as events:
            async with running(listen(events, self.heard)):
                yield


main("fastmcp_client", run, needs_fixtures=True)
