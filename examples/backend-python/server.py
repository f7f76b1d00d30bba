"""A back end in Python, with nothing but its standard library, that keeps messages in a database of its own (SQLite).

    WEBHOOK_SECRET=whsec_… PORT=3001 python3 examples/backend-python/server.py
"""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("PORT", "3001"))
KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"), validate=True)
TOLERANCE_SECONDS = 5 * 60
MAX_BODY_BYTES = 1_048_576

database = sqlite3.connect(os.environ.get("DATABASE", "messages.db"), check_same_thread=False)
# One request at a time uses the database.
lock = threading.Lock()
with database:
    database.execute(
        """CREATE TABLE IF NOT EXISTS messages (
           id INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL UNIQUE, stream TEXT NOT NULL, offset INTEGER NOT NULL,
           author TEXT, text TEXT NOT NULL, at INTEGER NOT NULL)"""
    )
    database.execute("CREATE TABLE IF NOT EXISTS banned (user TEXT PRIMARY KEY)")


def is_signed(headers, body):
    """Whether the request comes from Trunkline, as https://www.standardwebhooks.com says, and is fresh."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not webhook_id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    digest = hmac.new(KEY, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split(" ")
    # Every one is compared, each in constant time.
    fits = [hmac.compare_digest(expected.encode(), one.encode()) for one in given]
    return any(fits) and abs(time.time() - int(timestamp)) <= TOLERANCE_SECONDS


def answer_to(webhook_id, kind, data):
    if kind == "authorize":
        banned = database.execute("SELECT 1 FROM banned WHERE user = ?", (data["user"]["id"],)).fetchone()
        # Whoever is banned may do nothing, and nobody may edit or delete what others wrote.
        theirs = data.get("amendment") in (None, "react") or data["entry"]["isOwn"]
        return {"allow": banned is None and theirs}
    text = data["entry"]["text"] if data["entry"] else ""  # of a deleted entry it is null
    if kind == "publish.before":
        if re.search(r"\bdarn\b", text, re.IGNORECASE):
            return {"accept": False, "code": "rude", "message": "Please be kind"}
        if ":)" in text:
            return {"accept": True, "entry": {"text": text.replace(":)", "🙂")}}
        return {"accept": True}
    if data["kind"] == "amend":
        # Doing this twice changes nothing.
        with database:
            database.execute(
                "UPDATE messages SET text = ? WHERE stream = ? AND offset = ?", (text, data["stream"], data["amends"])
            )
        return {}
    author = data["user"] and data["user"]["id"]
    # The webhook's id is the same however often it is sent: what is here already is not stored again.
    with database:
        database.execute(
            "INSERT OR IGNORE INTO messages (webhook, stream, offset, author, text, at) VALUES (?, ?, ?, ?, ?, ?)",
            (webhook_id, data["stream"], data["offset"], author, text, data["at"]),
        )
    return {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stand

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return self.answer(413, {"error": "too large"})
        body = self.rfile.read(length)
        if not is_signed(self.headers, body):
            return self.answer(401, {"error": "not signed, or too old"})
        request = json.loads(body)
        with lock:
            answer = answer_to(self.headers["webhook-id"], request["type"], request["data"])
        self.answer(200, answer)

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", PORT), Handler)
# From another thread: shutdown waits for serve_forever.
for name in (signal.SIGINT, signal.SIGTERM):
    signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
with lock:
    database.close()
