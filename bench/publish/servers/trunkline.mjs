// Trunkline as an application uses it: `serve` and the SQLite broker, which answers a publish when it is synced.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../../lib/control.mjs';
import { dataFolder } from '../folder.mjs';

/**
 * The shape of an order, checked by hand: what a schema library takes belongs to the library.
 * @type {import('@standard-schema/spec').StandardSchemaV1<{ seq: number, text: string }>}
 */
const entry = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (/** @type {any} */ value) =>
      typeof value?.seq === 'number' && typeof value.text === 'string'
        ? { value }
        : { issues: [{ message: 'not an order' }] },
  },
};

/** Sums over all groups that were committed. */
const groups = { groups: 0, entries: 0, writeMs: 0, commitMs: 0 };
const broker = sqliteBroker(join(dataFolder(), 'trunkline.db'), {
  onGroup: ({ entries, writeMs, commitMs }) => {
    groups.groups += 1;
    groups.entries += entries;
    groups.writeMs += writeMs;
    groups.commitMs += commitMs;
  },
});
const t = trunkline({ authenticate: () => ({ id: 'publisher' }) });
const orders = t.log(['desk'], { entry });
const trunk = await serve(t.app({ channels: { orders } }), {
  port: 0,
  broker,
  // One connection may publish 50 a second by default.
  limits: { publishRatePerSecond: 10_000_000, publishBurst: 10_000_000 },
});

const { version } = JSON.parse(readFileSync(new URL('../../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, {}, () => groups);
