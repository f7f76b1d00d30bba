// Trunkline as an application uses it: `serve`, the memory broker, and the server itself as the publisher.

import { readFileSync } from 'node:fs';
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../../lib/control.mjs';
import { burstOf, payloadOf } from '../payload.mjs';

/**
 * A schema that accepts everything: what the server itself publishes is not validated.
 * @type {import('@standard-schema/spec').StandardSchemaV1<import('../payload.mjs').Payload>}
 */
const entry = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: /** @type {any} */ (value) }) },
};

const t = trunkline({ authenticate: () => ({ id: 'subscriber' }) });
const feed = t.log(['name'], { entry });
const trunk = await serve(t.app({ channels: { feed } }), { port: 0, broker: memoryBroker() });

const burst = burstOf((payload) => {
  trunk.channel
    .feed('all')
    .publish(payload)
    .catch((error) => {
      process.stderr.write(`trunkline: ${error.stack}\n`);
      process.exit(1);
    });
}, payloadOf);

const { version } = JSON.parse(readFileSync(new URL('../../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, { burst });
