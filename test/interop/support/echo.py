"""An echo server on Debian's python3-websockets. It obeys the same words as the other echo servers, and reports on
standard output: {"port": N} at first, then {"code": N, "reason": "..."} for each connection that closed."""

import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

# It measures the compressed message too, and noise does not shrink.
MAX_BYTES = 2 * 1_048_576
options = json.loads(sys.argv[1])


def say(what):
    print(json.dumps(what), flush=True)


async def handle(socket):
    try:
        async for message in socket:
            if not isinstance(message, str) or not message.startswith("!"):
                await socket.send(message)
                continue
            command, *rest = message.split(" ", 2)
            if command == "!fragments":
                await socket.send(rest[0].split(","))
            elif command == "!ping":
                await (await socket.ping(rest[0]))
                await socket.send("pong")
            elif command == "!abort":
                socket.transport.abort()
            elif rest:
                await socket.close(int(rest[0]), rest[1] if len(rest) > 1 else "")
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    say({"code": socket.close_code, "reason": socket.close_reason})


async def main():
    deflate = options.get("deflate")
    extensions = None if deflate is None else [ServerPerMessageDeflateFactory(**deflate)]
    server = await websockets.serve(
        handle,
        "127.0.0.1",
        0,
        compression=None,
        extensions=extensions,
        subprotocols=["chat.v1"],
        ping_interval=None,
        max_size=MAX_BYTES,
    )
    say({"port": server.sockets[0].getsockname()[1]})
    await asyncio.Future()


asyncio.run(main())
