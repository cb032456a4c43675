"""Does the official Python client (PyPI `mcp` 2.x) get in with nothing but our URL?

    python sign_in.py http://127.0.0.1:8080/mcp https://localhost:9443/client.json

It registers, and once more is known by its metadata document, if one is named. A browser of ours plays the person: it goes where it is
sent, signs in at the test provider, and agrees.
"""

import argparse
import asyncio
import http.cookiejar
import re
import signal
import urllib.error
import urllib.parse
import urllib.request

import mcp
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata

from check import DEADLINE_SECS, expect, fail

REDIRECT = "http://127.0.0.1:33418/callback"


class Stay(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to us."""

    def redirect_request(self, *_):
        return None


class Browser:
    """Goes where it is sent until that is the client's own address."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar, Stay())
        self.consents = 0

    def visit(self, url: str) -> str:
        form = None
        for _ in range(12):
            if url.startswith(REDIRECT):
                return url
            status, location, page = self.ask(url, form)
            form = None
            if location:
                url = urllib.parse.urljoin(url, location)
                continue
            csrf = re.search(r'name="csrf" value="([^"]+)"', page)
            expect(status == 200 and csrf is not None, f"a consent page at {url}", (status, page))
            self.consents += 1
            form = urllib.parse.urlencode({"csrf": csrf[1], "decision": "allow"}).encode()
            url = urllib.parse.urljoin(url, "/authorize")
        fail("an end of the redirects", url)
        return ""

    def ask(self, url: str, form: bytes | None) -> tuple[int, str | None, str]:
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
        request = urllib.request.Request(url, data=form, headers={"Origin": origin} if form else {})
        try:
            answer = self.opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers.get("location"), answer.read().decode()


class Memory:
    """What a client keeps."""

    def __init__(self) -> None:
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def gets_in(url: str, document: str | None) -> None:
    browser, memory, sent_back = Browser(), Memory(), []

    async def redirect(to: str) -> None:
        sent_back.append(await asyncio.to_thread(browser.visit, to))

    async def callback() -> AuthorizationCodeResult:
        told = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent_back[-1]).query))
        return AuthorizationCodeResult(code=told["code"], state=told.get("state"), iss=told.get("iss"))

    metadata = OAuthClientMetadata(client_name="Python client", redirect_uris=[REDIRECT])
    provider = OAuthClientProvider(url, metadata, memory, redirect, callback, client_metadata_url=document)
    async with create_mcp_http_client(auth=provider) as http_client:
        async with mcp.Client(streamable_http_client(url, http_client=http_client)) as client:
            tools = (await client.list_tools()).tools
            expect(len(tools) > 5, "tools", tools)
            expect(browser.consents == 1, "one consent", browser.consents)
            by_document = memory.client.client_id == document
            expect(by_document == (document is not None), f"a client known by {document}", memory.client)
            first = memory.tokens
            provider.context.token_expiry_time = 1.0
            result = await client.call_tool("get_user_info" if "get_user_info" in [t.name for t in tools] else tools[0].name, {})
            expect(result is not None, "an answer", result)
            expect(memory.tokens.refresh_token != first.refresh_token, "another refresh token", memory.tokens)
            expect(browser.consents == 1 and len(sent_back) == 1, "a refresh without the person", sent_back)


def run() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("document", nargs="?")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, lambda *_: fail(f"done within {DEADLINE_SECS} s", "still running"))
    signal.alarm(DEADLINE_SECS)
    asyncio.run(gets_in(options.url, None))
    if options.document:
        asyncio.run(gets_in(options.url, options.document))
    print("ok sign_in", flush=True)


if __name__ == "__main__":
    run()
