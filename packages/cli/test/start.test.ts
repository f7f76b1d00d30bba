import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workshop } from './command.js';

let workshop: Workshop;
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(() => workshop.close());

const SERVED = /^trunkline: app\.mjs is served at (http:\/\/\S+), its data is in (\S+)\n/;

/** Starts the fixture on a free port, with its data in the workshop's folder. */
async function serving(...more: string[]) {
  const running = workshop.start(['start', 'app.mjs', '--port', '0', '--data', join(workshop.folder, 'data'), ...more]);
  const [, url = ''] = await running.outputs(SERVED);
  return { ...running, url };
}

describe('trunkline start', () => {
  it('serves the app of a module, and says where', async () => {
    const { url } = await serving();
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const response = await fetch(`${url}/line`);
    expect(response.status).toBe(426);
    expect(existsSync(join(workshop.folder, 'data/trunkline.db'))).toBe(true);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('closes cleanly on %s', async (signal) => {
    const { child, ended } = await serving();
    child.kill(signal);
    const { code, out, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')[1]).toBe(`trunkline: ${signal}: closing, nobody is connected`);
  });

  it('takes the same signal twice at once for one, as npm sends it', async () => {
    const { child, ended } = await serving();
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  it('takes its settings from the environment, and options over those', async () => {
    const folder = join(workshop.folder, 'env');
    const environment = { PORT: '0', HOST: 'localhost', TRUNKLINE_DATA: join(workshop.folder, 'unused') };
    const running = workshop.start(['start', 'app.mjs', '--data', folder], environment);
    const [, url = ''] = await running.outputs(SERVED);
    expect((await fetch(`${url}/line`)).status).toBe(426);
    expect(existsSync(join(folder, 'trunkline.db'))).toBe(true);
    expect(existsSync(environment.TRUNKLINE_DATA)).toBe(false);
  });

  it('lets back ends in with the API keys of the environment', async () => {
    const key = 'k'.repeat(32);
    const words = ['start', 'app.mjs', '--port', '0', '--data', join(workshop.folder, 'data')];
    const running = workshop.start(words, { TRUNKLINE_API_KEYS: `prices=${key}` });
    const [, url = ''] = await running.outputs(SERVED);
    const put = async (token: string) => {
      const response = await fetch(`${url}/v1/channels/quotes/nyse/rows/ACME`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"bid":1}',
      });
      return response.status;
    };
    expect([await put(key), await put('ada')]).toEqual([201, 403]);
  });

  it('says in one line, without the key, that one makes no sense', async () => {
    const key = 'k'.repeat(31);
    const words = ['start', 'app.mjs', '--port', '0', '--data', join(workshop.folder, 'data')];
    const { code, out, err } = await workshop.start(words, { TRUNKLINE_API_KEYS: `prices=${key}` }).ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^trunkline: TRUNKLINE_API_KEYS: prices must have at least 32 characters .*\n$/);
    expect(err).not.toContain(key);
  });

  it('says in one line that the port is in use', async () => {
    const { url } = await serving();
    const { port } = new URL(url);
    const second = await workshop.run('start', 'app.mjs', '--port', port, '--data', join(workshop.folder, 'second'));
    expect(second).toEqual({
      code: 1,
      out: '',
      err: `trunkline: port ${port} of 127.0.0.1 is in use: choose another with --port\n`,
    });
  });

  it('says in one line that another process has the data', async () => {
    await serving();
    const second = await workshop.run('start', 'app.mjs', '--port', '0', '--data', join(workshop.folder, 'data'));
    expect(second).toMatchObject({ code: 1, out: '' });
    expect(second.err).toMatch(/^trunkline: \S+trunkline\.db .+\n$/);
  });

  it('starts again on the same data', async () => {
    const first = await serving();
    first.child.kill('SIGTERM');
    await first.ended;
    const second = await serving();
    expect((await fetch(`${second.url}/line`)).status).toBe(426);
  });
});

describe('a module that cannot be served', () => {
  it.each([
    ['missing.mjs', 'missing.mjs is not a file'],
    ['.', '. is not a file'],
    ['no-app.mjs', 'no-app.mjs has no export named `app` (it exports api, version)'],
    ['other-app.mjs', 'other-app.mjs: its export `app` was not made by t.app()'],
  ])('%s', async (module, problem) => {
    expect(await workshop.run('start', module)).toEqual({ code: 1, out: '', err: `trunkline: ${problem}\n` });
  });

  it('shows where a module failed', async () => {
    const { code, err } = await workshop.run('start', 'fails.mjs');
    expect(code).toBe(1);
    expect(err).toMatch(/^trunkline: fails\.mjs failed to load:\nError: the fixture fails\n.*fails\.mjs:1/s);
  });
});
