"""One vocabulary over the Python client libraries, so that each runs the same checks: results are wire JSON everywhere."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from check import expect, fail

ROOT = {"uri": "file:///srv/portfolio", "name": "portfolio"}
# What the user says to a field of a form that has no default.
WORDS = {"name": "Ada", "color": "green", "response": "agreed", "context": "tides", "word": "swell"}


class Heard:
    """What the server told unasked."""

    def __init__(self) -> None:
        self.logs: list[str] = []
        self.updates: list[str] = []
        self.tools_changed = 0
        self.prompts_changed = 0

    def notification(self, method: str, params: dict) -> None:
        if method == "notifications/message":
            self.logs.append(params["data"])
        elif method == "notifications/resources/updated":
            self.updates.append(params["uri"])
        elif method == "notifications/tools/list_changed":
            self.tools_changed += 1
        elif method == "notifications/prompts/list_changed":
            self.prompts_changed += 1


class Client(ABC):
    """What a program says with its library. `stateful` is the era that was negotiated."""

    stateful: bool
    revision: str

    def __init__(self) -> None:
        self.heard = Heard()

    @abstractmethod
    async def list_all(self, kind: str) -> list[dict]:
        """Every page of `tools`, `prompts`, `resources` or `templates`."""

    @abstractmethod
    async def call(self, name: str, arguments: dict | None = None, on_progress=None) -> dict: ...

    @abstractmethod
    async def prompt(self, name: str, arguments: dict | None = None) -> dict: ...

    @abstractmethod
    async def read(self, uri: str) -> dict: ...

    @abstractmethod
    async def complete(self, ref: dict, argument: str, value: str) -> list[str]: ...

    @abstractmethod
    async def ping(self) -> None:
        """Only where the era has it."""

    @abstractmethod
    def watching(self, uri: str) -> contextlib.AbstractAsyncContextManager:
        """While it is entered, `heard` hears of changes: of the resource and, in both eras, of the lists."""

    async def call_for_text(self, name: str, arguments: dict | None = None) -> str:
        result = await self.call(name, arguments)
        expect(not result.get("isError"), f"a good result of {name}", result)
        return text_of(result)


def wire(model) -> dict:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def text_of(result: dict) -> str:
    texts = [block["text"] for block in result["content"] if block["type"] == "text"]
    expect(len(texts) >= 1, "text content", result)
    return texts[0]


async def every_page(page, kind: str) -> list[dict]:
    """Asks `page(cursor)` until there is no next cursor."""
    member = {"templates": "resourceTemplates"}.get(kind, kind)
    found, cursor = [], None
    while True:
        answer = wire(await page(cursor))
        found += answer[member]
        cursor = answer.get("nextCursor")
        if cursor is None:
            return found


def sampled(params: dict) -> str:
    """What the model says."""
    content = params["messages"][0]["content"]
    return f"sampled: {(content[0] if isinstance(content, list) else content)['text']}"


def filled_in(params: dict) -> tuple[str, dict | None]:
    """What the user does with a form: the action and the content."""
    for action in ("decline", "cancel"):
        if action in params["message"]:
            return action, None
    fields = params["requestedSchema"]["properties"]
    return "accept", {name: answer(name, field) for name, field in fields.items()}


def answer(name: str, field: dict):
    if "default" in field:
        return field["default"]
    if field.get("type") == "array":
        return [choices(field["items"])[-1]]
    if choices(field):
        return choices(field)[-1]
    return True if field["type"] == "boolean" else WORDS[name]


def choices(field: dict) -> list[str]:
    return field.get("enum") or [choice["const"] for choice in field.get("oneOf", field.get("anyOf", []))]


async def until(holds, secs: float, expected: str, found=lambda: "nothing of the kind") -> None:
    end = time.monotonic() + secs
    while not holds():
        if time.monotonic() > end:
            fail(f"{expected} within {secs} s", found())
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(coroutine) -> AsyncIterator[None]:
    """Runs something besides, until the block is left."""
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
