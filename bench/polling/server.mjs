// One server for all arms of `polling`: a log per room, which is read over a WebSocket and over HTTP alike.

import { readFileSync } from 'node:fs';
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../lib/control.mjs';
import { publishing } from '../link-loss/publishing.mjs';

/** @type {import('@standard-schema/spec').StandardSchemaV1<import('../link-loss/message.mjs').Message>} */
const entry = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: /** @type {any} */ (value) }) },
};

// Each client is a user of its own: how many requests may wait is counted by user.
const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
const room = t.log(['name'], { entry });
const trunk = await serve(t.app({ channels: { room } }), { port: 0, broker: memoryBroker() });

const orders = publishing((name, message) => {
  trunk.channel
    .room(String(name))
    .publish(message)
    .catch((error) => {
      process.stderr.write(`trunkline: ${error.stack}\n`);
      process.exit(1);
    });
});

const { version } = JSON.parse(readFileSync(new URL('../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, orders);
