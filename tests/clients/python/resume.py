"""Is nothing lost and nothing sent twice when a 2025-11-25 client loses its connection again and again?

Raw HTTP over sockets of its own, because a client library would hide the ids and mend the cuts.

    python resume.py http://127.0.0.1:8080/mcp [--key KEY]
"""

import contextlib
import http.client
import json
import random
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

from check import expect, fail, main

STREAM_MS = 8_000
SECRET = "seen-by-its-own-session-only"


class Reply:
    """One HTTP answer on a TCP connection of its own, read event by event and cut at will."""

    def __init__(self, url: str, method: str, headers: dict, body: bytes | None) -> None:
        at = urlsplit(url)
        self.connection = http.client.HTTPConnection(at.hostname, at.port or 80, timeout=20)
        self.connection.connect()
        self.socket = self.connection.sock
        self.connection.request(method, at.path, body, headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.type = (self.response.getheader("content-type") or "").partition(";")[0]

    def header(self, name: str) -> str | None:
        return self.response.getheader(name)

    def text(self) -> str:
        text = self.response.read().decode()
        self.connection.close()
        return text

    def events(self):
        """Yields `(id, data)` of each event; comments and `retry` fields are skipped."""
        event_id, data = None, None
        for line in self.response:
            field, _, value = line.decode().rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if field == "id":
                event_id = value
            elif field == "data":
                data = value if data is None else f"{data}\n{value}"
            elif not field and not value:
                if data is not None:
                    yield event_id, data
                event_id, data = None, None

    def cut(self, abruptly: bool) -> None:
        """Drops the TCP connection, with a reset or a plain close."""
        if abruptly:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.socket.shutdown(socket.SHUT_RDWR)
        self.response.close()
        self.connection.close()
        self.socket.close()


class Session:
    """A legacy session as a client of revision 2025-11-25 opens it."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self.headers = {"X-API-Key": key} if key else {}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "resume", "version": "1"}}
        reply = self.post({"id": 1, "method": "initialize", "params": params})
        expect(reply.status == 200, "200 to initialize", reply.status)
        session_id = reply.header("mcp-session-id")
        expect(bool(session_id), "a session id", session_id)
        result = only_answer(reply)["result"]
        expect(result["protocolVersion"] == "2025-11-25", "revision 2025-11-25", result)
        self.headers |= {"Mcp-Session-Id": session_id, "MCP-Protocol-Version": "2025-11-25"}
        reply = self.post({"method": "notifications/initialized"})
        expect(reply.status == 202 and reply.text() == "", "202 without a body to a notification", reply.status)

    def post(self, message: dict) -> Reply:
        headers = self.headers | {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        return Reply(self.url, "POST", headers, json.dumps({"jsonrpc": "2.0"} | message).encode())

    def get(self, last_event_id: str | None = None) -> Reply:
        headers = self.headers | {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        return Reply(self.url, "GET", headers, None)

    def delete(self) -> Reply:
        return Reply(self.url, "DELETE", self.headers, None)

    def stream_prices(self, request_id: int | str, token: str, duration: int) -> Reply:
        arguments = {"stream": True, "symbols": ["AAPL", "TSLA"], "interval": 1000, "duration": duration}
        params = {"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": token}}
        reply = self.post({"id": request_id, "method": "tools/call", "params": params})
        expect_stream(reply, "the stream of a tools/call")
        return reply


class Cursor:
    """What one MCP stream has delivered so far, over however many connections."""

    def __init__(self) -> None:
        self.stream, self.seq, self.last_id = None, None, None

    def take(self, event_id: str | None, data: str) -> None:
        """Accepts the next event of the stream: ids are `<stream>.<seq>` and count up by one."""
        expect(bool(event_id), "an id on every event of a resumable stream", data)
        stream, _, seq = event_id.rpartition(".")
        expect(stream != "" and seq.isdigit(), "an event id <stream>.<seq>", event_id)
        if self.stream is None:
            expect(data == "", "a priming event (an id and empty data) first", data)
        elif data == "" and int(seq) == self.seq:
            return  # A resumed connection may be primed with the cursor it was asked for.
        else:
            expect(stream == self.stream, f"an event of the stream {self.stream}", event_id)
            expect(int(seq) == self.seq + 1, f"the event after {self.last_id}, none lost and none twice", event_id)
        self.stream, self.seq, self.last_id = stream, int(seq), event_id


def run(url: str, key: str | None) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    dice = random.Random(seed)
    session = Session(url, key)
    resume_a_call(session, dice)
    resume_the_standalone_stream(session)
    be_refused_a_foreign_id(session, Session(url, key))
    end(session)


def resume_a_call(session: Session, dice: random.Random) -> None:
    cursor, progress, items, cuts = Cursor(), [], [], 0
    reply, result = session.stream_prices("the call", "prices", STREAM_MS), None
    while result is None:
        left = dice.randint(1, 4) if cuts < 6 else None
        for event_id, data in reply.events():
            cursor.take(event_id, data)
            if data:
                message = json.loads(data)
                if "id" in message:
                    result = message
                    break
                take_progress(message, progress, items)
            left = left and left - 1
            if left == 0:
                break
        if result is None:
            reply.cut(abruptly=dice.random() < 0.5)
            cuts += 1
            expect(cuts < 50, "the result at last", f"{cuts} connections")
            time.sleep(dice.uniform(0, 1.2))
            reply = session.get(cursor.last_id)
            expect_stream(reply, f"a resumed stream after {cursor.last_id}")
    reply.cut(abruptly=False)

    print(f"{cuts} cuts, {len(items)} items", flush=True)
    expect(cuts >= 2, "at least two cuts before the result", cuts)
    expect(result["id"] == "the call" and "result" in result, "the result of the call under its own id", result)
    expect(not result["result"].get("isError"), "a good result", result)
    content = result["result"]["structuredContent"]
    delivered = [item["position"] for item in items]
    expect(len(delivered) >= 4, "several prices", items)
    expect([event["position"] for event in content["events"]] == delivered, "the result's events = those delivered",
           (content, delivered))


def take_progress(message: dict, progress: list, items: list) -> None:
    expect(message.get("method") == "notifications/progress", "a progress notification", message)
    params = message["params"]
    expect(params["progressToken"] == "prices", "the client's own token", params)
    expect(not progress or params["progress"] > progress[-1], f"progress above {progress[-1:]}", params)
    progress.append(params["progress"])
    item = json.loads(params["message"])
    if "status" not in item:
        items.append(item)


def resume_the_standalone_stream(session: Session) -> None:
    """The GET stream resumes after a cut, and the newest one takes the place of the older."""
    cursor = Cursor()
    reply = session.get()
    expect_stream(reply, "the standalone stream")
    cursor.take(*next(reply.events()))
    reply.cut(abruptly=True)

    resumed = session.get(cursor.last_id)
    expect_stream(resumed, f"the standalone stream after {cursor.last_id}")
    reader = threading.Thread(target=read_to_the_end, args=(resumed,), daemon=True)
    reader.start()
    newest = session.get()
    expect_stream(newest, "a newer standalone stream")
    reader.join(5)
    expect(not reader.is_alive(), "the older standalone stream to end", "still open after 5 s")
    newest.cut(abruptly=False)


def be_refused_a_foreign_id(session: Session, other: Session) -> None:
    reply = session.stream_prices(SECRET, SECRET, 60_000)
    events = reply.events()
    foreign_id, _ = next(events)
    next(events)
    for last_event_id in (foreign_id, foreign_id.rpartition(".")[0] + ".0"):
        refusal = other.get(last_event_id)
        body = refusal.text() if refusal.type != "text/event-stream" else f"a stream, status {refusal.status}"
        expect(400 <= refusal.status < 500, "4xx for an event id of another session", (refusal.status, body))
        expect(SECRET not in body and "AAPL" not in body, "nothing of the other session", body)
    reply.cut(abruptly=False)
    only_answer(session.post({"id": 4, "method": "ping"}))
    expect(other.delete().status in (200, 202, 204), "2xx to DELETE", "another status")


def end(session: Session) -> None:
    standalone = session.get()
    expect_stream(standalone, "the standalone stream before DELETE")
    reader = threading.Thread(target=read_to_the_end, args=(standalone,), daemon=True)
    reader.start()
    expect(session.delete().status in (200, 202, 204), "2xx to DELETE", "another status")
    reader.join(5)
    expect(not reader.is_alive(), "DELETE to close the session's streams", "still open after 5 s")
    for what, reply in {
        "POST": session.post({"id": 5, "method": "ping"}),
        "GET": session.get(),
        "DELETE": session.delete(),
    }.items():
        expect(reply.status == 404, f"404 to {what} after DELETE", (reply.status, reply.text()))


def read_to_the_end(reply: Reply) -> None:
    # An unclean close ends the stream too.
    with contextlib.suppress(OSError, http.client.HTTPException):
        for _ in reply.events():
            pass


def expect_stream(reply: Reply, what: str) -> None:
    if reply.status != 200 or reply.type != "text/event-stream":
        fail(f"{what}: 200 text/event-stream", (reply.status, reply.type, reply.text()))


def only_answer(reply: Reply) -> dict:
    """The JSON-RPC response in a reply, be it JSON or a stream of one."""
    expect(reply.status == 200, "200", reply.status)
    if reply.type == "application/json":
        return json.loads(reply.text())
    for _, data in reply.events():
        if data and "id" in json.loads(data):
            reply.cut(abruptly=False)
            return json.loads(data)
    fail("a response on the stream", "its end")


main("resume", run)
