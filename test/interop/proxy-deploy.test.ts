// nginx and Caddy as the guide on deploying sets them up, before two servers that share a store, while one of them is stopped.

import { readFileSync } from 'node:fs';
import { type Broker, memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { serve, trunkline } from '@trunkline/server';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { runCaddy } from './support/caddy.js';
import { onStop } from './support/cleanup.js';
import { runNginx } from './support/nginx.js';

const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
const app = t.app({ channels: { chat: t.log(['room'], { entry: z.object({ text: z.string() }) }) } });

/** The guide's own words, with other ones in the place of some. */
function guideConfig(language: string, changes: Readonly<Record<string, string>>): string {
  const guide = readFileSync(new URL('../../docs/guides/deploy.md', import.meta.url), 'utf8');
  const config = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? '';
  return Object.entries(changes).reduce((text, [part, other]) => {
    expect(text).toContain(part);
    return text.replace(part, other);
  }, config);
}

const PROXIES: readonly (readonly [string, (upstreams: Readonly<Record<string, string>>) => Promise<number>])[] = [
  [
    'nginx',
    (upstreams) =>
      runNginx((port) => guideConfig('nginx', { ...upstreams, 'listen 80;': `listen 127.0.0.1:${port};` })),
  ],
  [
    'Caddy',
    (upstreams) =>
      runCaddy((port) => guideConfig('caddyfile', { ...upstreams, 'example.com': `http://127.0.0.1:${port}` })),
  ],
];

/** One store for both servers, which each of them thinks its own. */
function sharedStore(): Broker {
  return Object.assign(memoryBroker(), { close: async () => {} });
}

it.each(PROXIES)(
  '%s takes everyone to the other server while one of two is drained: newcomers at once, the others without a moment between',
  async (_name, runProxy) => {
    const broker = sharedStore();
    const servers = await Promise.all(
      [0, 1].map(() => serve(app, { port: 0, broker, trustedProxies: ['127.0.0.1'], log: { warn() {}, error() {} } })),
    );
    for (const server of servers) onStop(() => server.close({ deadlineMs: 0 }));
    const port = await runProxy({
      '127.0.0.1:7401': `127.0.0.1:${servers[0]?.port}`,
      '127.0.0.1:7402': `127.0.0.1:${servers[1]?.port}`,
    });
    /** Every state of a connection that was shown after its first publish. */
    const shown = new Set<string>();
    const visit = async (name: string) => {
      const line = connect<typeof app>(`http://127.0.0.1:${port}/line`, { token: name });
      onStop(() => line.close());
      await line.channel.chat('lobby').publish({ text: name });
      const note = () => shown.add(line.connection.snapshot().state);
      note();
      line.connection.subscribe(note);
      onStop(line.open());
    };
    // In turns: both have somebody.
    for (const name of ['a', 'b']) await visit(name);
    const [leaving, staying] = servers;
    expect([leaving?.health().connections, staying?.health().connections]).toEqual([1, 1]);

    const closing = leaving?.close({ drainMs: 60_000 });
    const health = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([health.status, (await health.json()).status]).toEqual([200, 'ok']);
    for (const name of ['c', 'd', 'e', 'f']) await visit(name);
    // Over when its one client has moved, long before its time.
    await closing;
    expect(staying?.health().connections).toBe(6);
    expect([...shown]).toEqual(['live']);
    const { entries } = await broker.readBack('chat/lobby' as never, undefined, { entries: 9 });
    expect(entries.map(({ data }) => JSON.parse(data).text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  },
);
