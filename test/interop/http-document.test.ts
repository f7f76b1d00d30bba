// The examples of docs/HTTP.md: each is run by curl, in order, and answered with the status and the members that the page shows.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { onStop } from './support/cleanup.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/HTTP.md'), 'utf8');
const EXAMPLE = /```sh\n(.+?)\n```\n\n```json (\d+)\n(.*?)```/gs;
/** Made anew each time. */
const CHANGING = new Set(['epoch', 'at', 'producer']);

const API_KEY = 'prices-0123456789-0123456789-0123456789';

async function start() {
  const t = trunkline({ authenticate: ({ token }) => (token === 'ada' ? { id: token } : null) });
  const row = z.object({
    bid: z.number(),
    ask: z.number(),
    depth: z.object({ levels: z.number() }).optional(),
  });
  const chat = t.log(['room'], {
    entry: z.object({ text: z.string() }),
    onPublish: ({ entry, user }) => ({ ...entry, author: user.id }),
  });
  const placeOrder = t.procedure({
    input: z.object({ symbol: z.string(), quantity: z.number() }),
    run: ({ input }) => ({ price: input.quantity * 10.5 }),
  });
  const app = t.app({ channels: { chat, quotes: t.table(['market'], { row }) }, procedures: { placeOrder } });
  const trunk = await serve(app, { port: 0, broker: memoryBroker(), apiKeys: { prices: API_KEY } });
  onStop(() => trunk.close());
  return trunk.url;
}

/** The same with a mark in the place of what differs each time. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, CHANGING.has(name) ? typeof inner : comparable(inner)]),
  );
}

it('the examples of the page do what it says', async () => {
  const examples = [...PAGE.matchAll(EXAMPLE)];
  // None is left out by a slip in the page's form.
  expect(examples).toHaveLength(PAGE.split('```sh').length - 1);
  expect(examples.length).toBeGreaterThan(7);
  const env = { ...process.env, URL: await start(), TOKEN: 'ada', API_KEY };
  for (const [, command = '', status, answer = ''] of examples) {
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} -w '\\n%{http_code}'`], { env });
    const lines = stdout.trimEnd().split('\n');
    expect([command, lines.pop()]).toEqual([command, status]);
    const [shown, body] = [answer.trim(), lines.join('\n').trim()].map((text) =>
      text === '' ? null : JSON.parse(text),
    );
    expect(comparable(body)).toEqual(comparable(shown));
  }
});
