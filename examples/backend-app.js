// A Trunkline server that asks and tells a back end in another process: no rule and no hook of its own, and a log on disk.
//   WEBHOOK_SECRET=whsec_… BACKEND_URL=http://127.0.0.1:3001/ node examples/backend-app.js

import { sqliteBroker } from '@trunkline/broker-sqlite';
import { serve, trunkline } from '@trunkline/server';
import * as z from 'zod';
import { live, port } from './life.js';

const { BACKEND_URL: url = 'http://127.0.0.1:3001/', WEBHOOK_SECRET: secret = '', DATA = 'data' } = process.env;

const t = trunkline({ authenticate: ({ token }) => (token === undefined || token === '' ? null : { id: token }) });
const chat = t.log(['room'], { entry: z.object({ text: z.string().min(1).max(500) }) });

const trunk = await serve(t.app({ channels: { chat } }), {
  port,
  broker: sqliteBroker(`${DATA}/chat.db`),
  backend: {
    url,
    secret,
    retryMs: Number(process.env.RETRY_MS ?? 1_000),
    breakMs: Number(process.env.BREAK_MS ?? 10_000),
  },
});
live({ address: '127.0.0.1', family: 'IPv4', port: trunk.port }, () => trunk.close());
