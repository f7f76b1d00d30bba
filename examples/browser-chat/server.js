// A chat whose page uses no library: a bare `new WebSocket()` that speaks the public protocol (docs/PROTOCOL.md).
//   node examples/browser-chat/server.js, then open the address in two windows.

import { readFile } from 'node:fs/promises';
import { memoryBroker } from '@trunkline/broker';
import { serve } from '@trunkline/server';
import { app } from '../chat-app.js';
import { live, port } from '../life.js';

const PAGE = new Map([
  ['/', { file: 'index.html', type: 'text/html; charset=utf-8' }],
  ['/page.js', { file: 'page.js', type: 'text/javascript; charset=utf-8' }],
  ['/chat.js', { file: 'chat.js', type: 'text/javascript; charset=utf-8' }],
]);

const trunk = await serve(app, {
  broker: memoryBroker(),
  port,
  request: async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const found = PAGE.get(path);
    if (found === undefined) {
      response.writeHead(404).end('There is nothing here.\n');
      return;
    }
    response.setHeader('content-type', found.type);
    response.end(await readFile(new URL(`page/${found.file}`, import.meta.url)));
  },
});

live({ port: trunk.port, address: '', family: '' }, () => trunk.close());
