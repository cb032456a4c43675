"""Does the Python SDK of the generation before (PyPI `mcp` 1.x), which most clients still use, work with us?

    PYTHONPATH=$PYTHON_V1 python mcp_v1.py http://127.0.0.1:8080/mcp http://127.0.0.1:8090/mcp [--key KEY]
"""

import asyncio
import contextlib

import mcp
import mcp.types as types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from check import expect, main
from client import ROOT, Client, every_page, filled_in, sampled, wire
from everything import everything
from market import market


def run(url: str, fixtures: str, key: str | None) -> None:
    asyncio.run(both(url, fixtures, {"X-API-Key": key} if key else {}))


async def both(url: str, fixtures: str, headers: dict[str, str]) -> None:
    await asyncio.gather(one(url, headers, market), one(fixtures, {}, everything))


async def one(url: str, headers: dict[str, str], checks) -> None:
    client = Version1()
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(create_mcp_http_client(headers=headers))
        read, write, _ = await stack.enter_async_context(streamable_http_client(url, http_client=http))
        await stack.enter_async_context(client.library(read, write))
        client.revision = (await client.session.initialize()).protocolVersion
        print(f"{checks.__name__}: {client.revision}", flush=True)
        expect(client.revision == "2025-11-25", "revision 2025-11-25", client.revision)
        await checks(client, lambda error: getattr(getattr(error, "error", None), "code", error))


class Version1(Client):
    """`mcp.ClientSession`."""

    stateful = True

    def library(self, read, write) -> mcp.ClientSession:
        self.session = mcp.ClientSession(
            read, write, sampling_callback=self.sample, elicitation_callback=self.elicit,
            list_roots_callback=self.roots, logging_callback=self.log, message_handler=self.hear,
        )
        return self.session

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
        if isinstance(message, Exception):
            raise message
        if isinstance(message, types.ServerNotification) and message.root.method != "notifications/message":
            self.heard.notification(message.root.method, wire(message).get("params", {}))

    async def list_all(self, kind: str) -> list[dict]:
        page = getattr(self.session, {"templates": "list_resource_templates"}.get(kind, f"list_{kind}"))
        return await every_page(lambda cursor: page(params=types.PaginatedRequestParams(cursor=cursor)), kind)

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
        await self.session.subscribe_resource(uri)
        yield
        await self.session.unsubscribe_resource(uri)


main("mcp_v1", run, needs_fixtures=True)
