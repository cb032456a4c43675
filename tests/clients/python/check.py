"""What every Python client program shares: its arguments, its deadline, its way to fail and its verdict."""

import argparse
import os
import signal
import sys
import traceback

DEADLINE_SECS = 60


def fail(expected: str, found: object) -> None:
    """Ends the program at once, from any task or thread: an assertion must not get lost in an exception group."""
    where = next(frame for frame in reversed(traceback.extract_stack()) if frame.filename != __file__)
    print(f"FAILED {os.path.basename(where.filename)}:{where.lineno}\nexpected: {expected}\nfound:    {found!r}", flush=True)
    os._exit(1)


def expect(holds: bool, expected: str, found: object) -> None:
    if not holds:
        fail(expected, found)


def main(name: str, run, needs_fixtures: bool = False) -> None:
    """Runs `run(url, key)`, or `run(url, fixtures, key)`, under the deadline and says `ok NAME` when it returns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="the MCP endpoint, http://127.0.0.1:PORT/mcp")
    if needs_fixtures:
        parser.add_argument("fixtures", help="the MCP endpoint of a gateway with the conformance fixtures")
    parser.add_argument("--key", help="an API key of the first")
    options = parser.parse_args()
    places = [options.url, options.fixtures] if needs_fixtures else [options.url]
    signal.signal(signal.SIGALRM, lambda *_: fail(f"done within {DEADLINE_SECS} s", "still running"))
    signal.alarm(DEADLINE_SECS)
    try:
        run(*places, options.key)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(f"FAILED {name}: an exception instead of an answer", flush=True)
        os._exit(1)
    print(f"ok {name}", flush=True)
