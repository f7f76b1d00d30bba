// @ts-check
// An echo server on Bun.serve, as its documentation shows one, with compression. Runs in Bun, not in Node.

const { Bun } = /** @type {any} */ (globalThis);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  fetch: (/** @type {Request} */ request, /** @type {any} */ self) =>
    self.upgrade(request) ? undefined : new Response('A WebSocket is spoken here.\n', { status: 426 }),
  websocket: {
    perMessageDeflate: true,
    message: (/** @type {any} */ socket, /** @type {string | Uint8Array} */ data) => socket.send(data, true),
  },
});

process.stdout.write(`${JSON.stringify({ port: server.port, version: Bun.version })}\n`);
