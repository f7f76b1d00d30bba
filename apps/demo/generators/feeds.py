#!/usr/bin/env python3
"""Feeds the demo's weather and sports pages through Trunkline's HTTP API. All of it is simulated. Needs Python 3.8 and nothing else."""

import argparse
import os
import random
import secrets
import signal
import sys
import threading
import time
from urllib.parse import urlsplit

from api import Api, Refused, say
from sports import Sports
from weather import Weather

HELP = """
The API key comes from the environment, TRUNKLINE_API_KEY, as every user of a computer can read a command line.
It is one of the server's: the demo takes it from the same variable where it is started, and makes one of its own without.

  export TRUNKLINE_API_KEY=$(openssl rand -hex 32)
  TRUNKLINE_FEEDS=off npm start &
  python3 apps/demo/generators/feeds.py

A server that is away, or busy, is asked again until it answers. Ctrl-C ends it with 0. Exit codes: 1 the server refuses
what is sent, 2 the command line or the key makes no sense.
"""


def main():
    parser = make_parser()
    options = parser.parse_args()
    key = os.environ.get("TRUNKLINE_API_KEY", "").strip()
    if not key:
        parser.error("TRUNKLINE_API_KEY is not set: put the server's API key into the environment")
    if not key.isascii() or any(char.isspace() for char in key):
        parser.error("TRUNKLINE_API_KEY is no API key: it has visible ASCII characters only")
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if options.until_eof:
        threading.Thread(target=end_with_input, daemon=True).start()
    api = Api(options.url, key, options.run)
    say("simulated weather and sports for %s, seed %d" % (options.url, options.seed))
    try:
        feed(api, options)
    except Refused as refused:
        say(str(refused))
        return 1
    return 0


def feed(api, options):
    """Sends a step of each kind, again and again, at an even pace."""
    clock = Clock(options.pace, options.clock)
    weather = Weather(random.Random("%d weather" % options.seed), rows_of(api, "weather"))
    sports = Sports(random.Random("%d sports" % options.seed), rows_of(api, "matches"), clock.now())
    known = None
    for _ in range(options.steps if options.steps is not None else sys.maxsize):
        now = clock.now()
        # After the server was away it may have rows that are older than what it was sent, or none.
        is_whole = known != api.returns
        known = api.returns
        send(api, "weather", lambda present: (weather.step(now, present), []), is_whole)
        for entry in send(api, "matches", lambda present: sports.step(now, present), is_whole):
            api.post("/v1/channels/ticker/entries", entry)
        clock.wait()


def send(api, table, make, is_whole):
    """One step of a table, in one request. Gives what else is to be told."""
    step, told = make(rows_of(api, table) if is_whole else None)
    if step is None:
        return told
    path = "/v1/channels/%s/rows" % table
    before = api.returns
    try:
        api.post(path, step)
        return told
    except Refused as refused:
        # Fields of rows that the server has lost while it was away: it gets the rows. Anything else is a mistake.
        if is_whole or api.returns == before or refused.status != 422:
            raise
    return told + send(api, table, make, True)


def rows_of(api, table):
    """All rows of a table, by key."""
    rows, after, epoch = {}, 0, None
    while True:
        query = "?limit=200&after=%d%s" % (after, "" if epoch is None else "&epoch=" + epoch)
        page = api.get("/v1/channels/%s/rows%s" % (table, query))
        rows.update({row["key"]: row["data"] for row in page["rows"]})
        for key in page["deleted"]:
            rows.pop(key, None)
        after, epoch = page["to"], page["epoch"]
        if after >= page["head"]:
            return rows


class Clock:
    """The time of day, one step at a time; or a time of its own, which goes on by a step's length each step."""

    def __init__(self, pace, begins):
        self._pace = pace
        self._own = begins
        self._next = time.monotonic()

    def now(self):
        return int(time.time() * 1000) if self._own is None else self._own

    def wait(self):
        if self._own is not None:
            self._own += int(max(self._pace, 1) * 1000)
        self._next += self._pace
        left = self._next - time.monotonic()
        if left > 0:
            time.sleep(left)
        else:
            # What was missed while the server was away is not made up for.
            self._next = time.monotonic()


class OneLine(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage."""

    def error(self, message):
        self.exit(2, "feeds: %s; see --help\n" % message)


def make_parser():
    parser = OneLine(
        prog="feeds.py", description=__doc__, epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", type=server_url, default="http://127.0.0.1:7400", help="the server (default: %(default)s)")
    parser.add_argument("--seed", type=whole_number("seed", 0, 2**53), default=None, metavar="N",
                        help="the same seed tells the same story (default: a random one, which is printed)")  # fmt: skip
    parser.add_argument("--pace", type=pace, default=1.0, metavar="S", help="seconds from step to step, 0 to 60 (default: 1)")
    parser.add_argument("--steps", type=whole_number("number of steps", 1, 10**9), default=None, metavar="N",
                        help="end after so many steps (default: never)")  # fmt: skip
    parser.add_argument("--clock", type=whole_number("clock", 0, 10**14), default=None, metavar="MS",
                        help="the first step's time, in milliseconds since 1970 (default: now)")  # fmt: skip
    parser.add_argument("--run", type=run_name, default=None, metavar="NAME",
                        help="names this run in its Idempotency-Keys; no two runs may have the same (default: a random one)")  # fmt: skip
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does: for whoever starts it as a child")
    parser.set_defaults(seed=secrets.randbelow(2**32), run=secrets.token_hex(8))
    return parser


def server_url(text):
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise argparse.ArgumentTypeError("%r is no address of a server: write it like http://127.0.0.1:7400" % text)
    return text.rstrip("/")


def whole_number(name, least, most):
    def parse(text):
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError("%r: the %s is a whole number from %d to %d" % (text, name, least, most))

    return parse


def pace(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60:
        raise argparse.ArgumentTypeError("%r: the pace is a number of seconds from 0 to 60" % text)
    return value


def run_name(text):
    if 1 <= len(text) <= 200 and text.isascii() and text.isprintable() and " " not in text:
        return text
    raise argparse.ArgumentTypeError("%r: a run has 1 to 200 visible ASCII characters" % text)


def end(*_):
    sys.exit(0)


def end_with_input():
    # Unbuffered: a thread inside a buffered reader when the interpreter ends is a fatal error.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
