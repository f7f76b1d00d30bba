"""Trunkline's HTTP API, for a program that writes for a long time: one connection that is kept, and every request is sent until it is answered.

A write names itself by an Idempotency-Key, so that sending it again is safe when nobody can tell whether it arrived.
"""

import http.client
import json
import random
import sys
import time
from urllib.parse import urlsplit

# Seconds. Each wait is twice as long as the one before, less up to half of it by chance: others come back at the same time.
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
# An answer takes no longer, or the connection is given up.
TIMEOUT = 15.0
# The same request can succeed later.
PASSING = (408, 425, 429, 500, 502, 503, 504)


class Refused(Exception):
    """The server will not do that, however often it is asked."""

    def __init__(self, what, status, text):
        message = text
        try:
            message = json.loads(text)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            pass
        super().__init__("%s was answered with %d: %s" % (what, status, message))
        self.status = status


class Api:
    """@param run names this run of the program: no two runs may write under the same Idempotency-Key."""

    def __init__(self, url, key, run, wait=time.sleep):
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)
        self._url = url
        self._base = parts.path.rstrip("/")
        self._key = key
        self._run = run
        self._wait = wait
        self._writes = 0
        self._problem = None
        # How often the server was lost and found again: what it has may be older than what it was sent.
        self.returns = 0

    def get(self, path):
        return self._answer("GET", path, None, {})

    def post(self, path, value):
        self._writes += 1
        headers = {"Content-Type": "application/json", "Idempotency-Key": "%s-%d" % (self._run, self._writes)}
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        return self._answer("POST", path, body, headers)

    def _answer(self, method, path, body, headers):
        """The answer's JSON. Waits and asks again for as long as that can help. Raises Refused where it cannot."""
        for attempt in range(sys.maxsize):
            at_least = 0.0
            try:
                status, retry_after, text = self._exchange(method, self._base + path, body, headers)
            except (OSError, http.client.HTTPException) as error:
                problem = "%s cannot be reached (%s)" % (self._url, str(error) or type(error).__name__)
            else:
                if status < 300:
                    self._found()
                    return json.loads(text)
                if status == 401:
                    problem = "%s does not accept the API key in TRUNKLINE_API_KEY" % self._url
                elif status in PASSING:
                    problem = "%s answered %d %s" % (self._url, status, http.client.responses.get(status, ""))
                    at_least = retry_after
                else:
                    raise Refused("%s %s" % (method, path), status, text)
            self._lost(problem)
            longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10))
            # Not of the seeded numbers: how often the server is away must not change what is told.
            self._wait(max(at_least, longest * random.uniform(0.5, 1.0)))

    def _exchange(self, method, path, body, headers):
        was_open = self._connection.sock is not None
        try:
            return self._send(method, path, body, headers)
        except (ConnectionError, http.client.HTTPException):
            # A connection that was kept may have been closed meanwhile, which says nothing about the server.
            if not was_open:
                raise
            return self._send(method, path, body, headers)

    def _send(self, method, path, body, headers):
        try:
            sent = dict(headers, Authorization="Bearer " + self._key)
            self._connection.request(method, path, body=body, headers=sent)
            response = self._connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return response.status, seconds(response.headers.get("Retry-After")), text
        except BaseException:
            # Whatever the rest of an answer would be, the next request must not read it.
            self._connection.close()
            raise

    def _lost(self, problem):
        """Said once, however often it is met."""
        if problem != self._problem:
            say(problem + "; trying again until it works")
        self._problem = problem

    def _found(self):
        if self._problem is not None:
            say("%s answers again" % self._url)
            self.returns += 1
        self._problem = None


def seconds(retry_after):
    """Of a Retry-After header in seconds; a date there is not obeyed. Never longer than the longest wait."""
    try:
        return min(LONGEST_WAIT, max(0.0, float(retry_after)))
    except (TypeError, ValueError):
        return 0.0


def say(text):
    print("feeds: " + text, file=sys.stderr, flush=True)
