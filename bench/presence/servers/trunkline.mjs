// Trunkline as an application uses it: a log with presence. Who leaves is gone at once, as in the other arm.

import { readFileSync } from 'node:fs';
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../../lib/control.mjs';

/** @type {import('@standard-schema/spec').StandardSchemaV1<string>} */
const entry = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: String(value) }) },
};

const t = trunkline({ authenticate: ({ token }) => ({ id: String(token) }) });
const lounge = t.log(['room'], { entry, presence: { graceMs: 0 } });
const trunk = await serve(t.app({ channels: { lounge } }), { port: 0, broker: memoryBroker() });

const { version } = JSON.parse(readFileSync(new URL('../../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, {});
