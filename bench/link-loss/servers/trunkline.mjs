// Trunkline with a log per room. The memory broker: the others keep nothing on a disk either.

import { readFileSync } from 'node:fs';
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../../lib/control.mjs';
import { publishing } from '../publishing.mjs';

/** @type {import('@standard-schema/spec').StandardSchemaV1<import('../message.mjs').Message>} */
const entry = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: /** @type {any} */ (value) }) },
};

const t = trunkline({ authenticate: () => ({ id: 'member' }) });
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

const { version } = JSON.parse(readFileSync(new URL('../../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, orders);
