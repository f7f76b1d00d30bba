// The generator in Python, as a program: what it sends to a server that remembers it, and what it does when that server has troubles.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { matchRow, stationRow, tickerEntry } from '../server/feeds/rows.js';
import { RecordingServer } from './support/recording-server.js';

const PROGRAM = fileURLToPath(new URL('../generators/feeds.py', import.meta.url));
const KEY = 'a-key-of-the-test-0123456789-0123456789';
const REPEATABLE = ['--seed', '7', '--clock', '1763650000000', '--pace', '0', '--run', 'test'];

const running = new Set<ChildProcess>();
let server: RecordingServer;

beforeEach(async () => {
  server = new RecordingServer();
  await server.start();
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await server.stop();
});

function generate(args: readonly string[], env: Record<string, string> = { TRUNKLINE_API_KEY: KEY }) {
  const child = spawn('python3', ['-B', '-u', PROGRAM, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  let errors = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
    for (const look of waiting) look();
  });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const says = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (errors.includes(text)) resolve();
      };
      waiting.add(look);
      look();
    });
  return { child, ended, says, output: () => output, errors: () => errors };
}

const send = (steps: number, more: readonly string[] = []) =>
  generate(['--url', server.url, ...REPEATABLE, '--steps', String(steps), ...more]);

interface Step {
  readonly set?: Record<string, unknown>;
  readonly patch?: Record<string, Record<string, unknown>>;
  readonly delete?: readonly string[];
}

describe('the generator', () => {
  it('sends the same for the same seed, byte by byte, and something else for another', async () => {
    const runs: string[] = [];
    for (const seed of ['7', '7', '8']) {
      server.requests.length = 0;
      const { ended, errors } = send(40, ['--seed', seed]);
      expect([await ended, errors()]).toEqual([0, expect.stringContaining(`seed ${seed}`)]);
      runs.push(JSON.stringify(server.requests));
    }
    expect(runs[1]).toBe(runs[0]);
    expect(runs[2]).not.toBe(runs[0]);
  });

  it('sends what the tables and the log accept, over one connection, each write under a key of its own', async () => {
    expect(await send(400).ended).toBe(0);
    expect(server.connections).toBe(1);
    const writes = server.requests.filter(({ method }) => method === 'POST');
    expect(new Set(writes.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(writes.length);
    expect(server.requests.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);

    const schemas = { weather: stationRow, matches: matchRow };
    const counts = { rows: 0, goals: 0, full: 0, deleted: 0 };
    for (const [table, schema] of Object.entries(schemas)) {
      const rows = new Map<string, Record<string, unknown>>();
      for (const { body } of writes.filter(({ path }) => path === `/v1/channels/${table}/rows`)) {
        const step = JSON.parse(body) as Step;
        for (const [key, row] of Object.entries(step.set ?? {})) rows.set(key, schema.parse(row));
        for (const [key, fields] of Object.entries(step.patch ?? {})) {
          // As the server does: a patch of a row that there is not is refused.
          rows.set(key, schema.parse({ ...rows.get(key), ...fields }));
        }
        for (const key of step.delete ?? []) expect(rows.delete(key)).toBe(true);
        counts.deleted += step.delete?.length ?? 0;
      }
      counts.rows += rows.size;
      // A score is the goals that are told of.
      for (const row of rows.values()) {
        if (table !== 'matches') continue;
        const { events, homeGoals, awayGoals } = matchRow.parse(row);
        const goals = (side: string) => events.filter((event) => event.kind === 'goal' && event.side === side).length;
        expect([homeGoals, awayGoals]).toEqual([goals('home'), goals('away')]);
      }
    }
    for (const { body } of writes.filter(({ path }) => path === '/v1/channels/ticker/entries')) {
      const { kind } = tickerEntry.parse(JSON.parse(body));
      if (kind === 'goal') counts.goals += 1;
      if (kind === 'full time') counts.full += 1;
    }
    expect(counts.rows).toBeGreaterThan(50);
    expect(counts.goals).toBeGreaterThan(10);
    expect(counts.full).toBeGreaterThan(4);
    expect(counts.deleted).toBeGreaterThan(0);
  });

  it('sends the very same again, under the same key, when the server cannot now or the answer is lost', async () => {
    await send(3).ended;
    const calm = server.requests.splice(0);
    // Three pages are read first; then comes the first write. A kept connection that is dropped is tried anew at once, a new one is not.
    server.faults.push(...Array<null>(3).fill(null), { status: 503, headers: { 'retry-after': '0' } }, { status: 429 });
    server.faults.push('drop', 'drop');
    const { ended, errors } = send(3);
    expect(await ended).toBe(0);
    expect(calm[3]?.method).toBe('POST');
    expect(server.requests.slice(0, 8)).toEqual([...calm.slice(0, 3), ...Array<unknown>(5).fill(calm[3])]);
    const written = (requests: typeof calm) =>
      requests.filter(({ method }) => method === 'POST').map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(written(server.requests))).toEqual(new Set(written(calm)));
    expect(errors()).toContain('answered 503 Service Unavailable; trying again until it works');
    expect(errors()).toContain('answered 429 Too Many Requests');
    expect(errors()).toContain('cannot be reached');
    expect(errors()).toContain('answers again');
  });

  it('asks anew at once, and says nothing, when a connection that was kept has been closed', async () => {
    await send(1).ended;
    const calm = server.requests.splice(0);
    server.faults.push(null, null, null, 'drop');
    const { ended, errors } = send(1);
    expect(await ended).toBe(0);
    expect(server.requests.filter((_, index) => index !== 3)).toEqual(calm);
    expect(server.requests[3]).toEqual(server.requests[4]);
    expect(errors().trim().split('\n')).toHaveLength(1);
  });

  it('goes on when the server is there again, and sends every row as a whole', async () => {
    const { child, ended, says } = generate(['--url', server.url, '--seed', '7', '--pace', '0', '--run', 'test']);
    await server.asked(60);
    await server.stop();
    await says('cannot be reached');
    const before = server.requests.length;
    await server.start();
    await says('answers again');
    await server.asked(before + 8);
    const wholes = server.requests
      .slice(before)
      .filter(({ body }) => Object.keys(JSON.parse(body || '{}').set ?? {}).length === 40);
    expect(wholes).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('ends without a word when it is told to while it waits for the end of its input', async () => {
    const words = ['--seed', '7', '--pace', '0', '--run', 'test', '--until-eof'];
    const { child, ended, errors } = generate(['--url', server.url, ...words]);
    await server.asked(60);
    const before = errors();
    child.kill('SIGTERM');
    expect([await ended, errors()]).toEqual([0, before]);
  });

  it('says so when the key is not accepted, and goes on when it is', async () => {
    server.faults.push({ status: 401 });
    const { ended, errors } = send(1);
    expect(await ended).toBe(0);
    expect(errors()).toContain('does not accept the API key in TRUNKLINE_API_KEY');
    expect(errors()).not.toContain(KEY);
  });

  it('ends with 1 and the server’s words when what it sends is refused', async () => {
    server.faults.push({ status: 404 });
    const { ended, errors } = send(1);
    expect(await ended).toBe(1);
    expect(errors()).toContain(
      'GET /v1/channels/weather/rows?limit=200&after=0 was answered with 404: as the test says',
    );
  });

  it('ends with its standard input, so that it never outlives who started it', async () => {
    const { child, ended } = send(1_000_000, ['--until-eof', '--pace', '60']);
    await server.asked(5);
    child.stdin.end();
    expect(await ended).toBe(0);
  });

  it.each([
    [['--seed', 'x'], "argument --seed: 'x': the seed is a whole number from 0 to 9007199254740992"],
    [['--url', 'foo'], "argument --url: 'foo' is no address of a server: write it like http://127.0.0.1:7400"],
    [['--pace', '61'], "argument --pace: '61': the pace is a number of seconds from 0 to 60"],
    [['--steps', '0'], "argument --steps: '0': the number of steps is a whole number from 1 to 1000000000"],
    [['--faster'], 'unrecognized arguments: --faster'],
  ])('says in one line what is wrong with %j', async (args, sentence) => {
    const { ended, errors } = generate(args);
    expect([await ended, errors()]).toEqual([2, `feeds: ${sentence}; see --help\n`]);
  });

  it('says in one line that it needs a key', async () => {
    const { ended, errors } = generate([], {});
    expect(await ended).toBe(2);
    expect(errors()).toBe(
      "feeds: TRUNKLINE_API_KEY is not set: put the server's API key into the environment; see --help\n",
    );
  });

  it('explains itself', async () => {
    const { ended, output } = generate(['--help']);
    expect(await ended).toBe(0);
    for (const word of ['--url', '--seed', '--pace', '--until-eof', 'TRUNKLINE_API_KEY', 'Exit codes']) {
      expect(output()).toContain(word);
    }
  });
});
