// One life of a Trunkline server on a SQLite file.

import { readFileSync } from 'node:fs';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../../lib/control.mjs';
import { steadyMs } from '../../lib/steady.mjs';

/** @type {{ path: string, port: number }} */
const { path, port } = JSON.parse(process.argv[2] ?? '');

/** @type {import('@standard-schema/spec').StandardSchemaV1<{ n: number, text: string }>} */
const entry = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: /** @type {any} */ (value) }) },
};
const t = trunkline({ authenticate: () => ({ id: 'member' }) });
const chat = t.log(['room'], { entry });
const app = t.app({ channels: { chat } });

// `serve` listens first and opens the store then: this is a moment before the port listens.
const listensMs = steadyMs();
const { user, system } = process.cpuUsage();
const trunk = await serve(app, { port, broker: sqliteBroker(path) });

const { version } = JSON.parse(readFileSync(new URL('../../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, {}, () => ({
  listensMs,
  cpuSecondsBefore: (user + system) / 1e6,
}));
