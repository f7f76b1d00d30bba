"""A client on Debian's python3-websockets: talks to an echo server, and reports one JSON object on standard output."""

import asyncio
import json
import random
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

url, options = sys.argv[1], json.loads(sys.argv[2])
MEBIBYTE = 1_048_576
# It measures the compressed message too, and noise does not shrink.
MAX_BYTES = 2 * MEBIBYTE


def connect():
    deflate = options.get("deflate")
    extensions = None if deflate is None else [ClientPerMessageDeflateFactory(**deflate)]
    return websockets.connect(
        url,
        compression=None,
        extensions=extensions,
        subprotocols=["chat.v2", "chat.v1"],
        ping_interval=None,
        max_size=MAX_BYTES,
    )


def samples():
    order = json.dumps([{"line": line, "name": f"article {line}"} for line in range(60)])
    noise = random.Random(1)
    yield from ["", "plain", "Grüße, 世界 🌍", order, order, "ü" * 50_000, ("trunk" * MEBIBYTE)[:MEBIBYTE]]
    for size in [0, 1, 125, 126, 127, 65_535, 65_536, MEBIBYTE]:
        yield noise.randbytes(size)


async def echoes(report):
    async with connect() as socket:
        report["protocol"] = socket.subprotocol
        report["extensions"] = [extension.name for extension in socket.extensions]
        for sent in samples():
            await socket.send(sent)
            report["echoed"] += 1
            if await socket.recv() != sent:
                report["changed"].append(f"{type(sent).__name__} of {len(sent)}")
        # An iterable goes as one message of as many fragments.
        await socket.send(["Grü", "ße, ", "", "世界"])
        await socket.send([b"\x00" * 70_000, b"", b"\x01" * 10])
        report["fragments"] = [await socket.recv() == "Grüße, 世界", await socket.recv() == b"\x00" * 70_000 + b"\x01" * 10]
        await (await socket.ping("ping"))
        report["pong"] = True


async def closes(report):
    reason = "ü" + "r" * 121
    for code in [1000, 1001, 1011, 3000, 4999]:
        socket = await connect()
        await socket.close(code, reason)
        report["closing"].append(socket.close_code)
        socket = await connect()
        await socket.send(f"!close {code} {reason}")
        await socket.wait_closed()
        report["closed"].append([socket.close_code, socket.close_reason == reason])
    for word in ["!close", "!abort"]:
        socket = await connect()
        await socket.send(word)
        await socket.wait_closed()
        report["closed"].append([socket.close_code, socket.close_reason == ""])


async def main():
    report = {"changed": [], "echoed": 0, "closing": [], "closed": []}
    await echoes(report)
    await closes(report)
    print(json.dumps(report), flush=True)


asyncio.run(main())
