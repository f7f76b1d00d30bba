import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCommand } from '../src/arguments.js';
import { Workshop } from './command.js';

let workshop: Workshop;
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(() => workshop.close());

describe('trunkline', () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    for (const option of ['--version', '-v']) {
      expect(await workshop.run(option)).toEqual({ code: 0, out: `${version}\n`, err: '' });
    }
  });

  it('explains itself, also when nothing is asked', async () => {
    for (const words of [['--help'], ['-h'], ['help'], [], ['start', '--help']]) {
      const { code, out, err } = await workshop.run(...words);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain('Usage: trunkline start');
    }
  });

  it.each([
    [['start', 'app.mjs', '--prot', '1'], "Unknown option '--prot'"],
    [['serve', 'app.mjs'], 'there is no command serve'],
    [['start'], 'start needs the path of a module that exports `app`'],
    [['start', 'a.mjs', 'b.mjs'], 'start takes one module, not 2'],
    [['start', 'a.mjs', '--port', '65536'], 'the port must be a number from 0 to 65535, not "65536"'],
    [['start', 'a.mjs', '--port', '80x'], 'the port must be a number from 0 to 65535, not "80x"'],
    [['start', 'a.mjs', '--drain', '86401'], '--drain must be a number from 0 to 86400, not "86401"'],
    [['start', 'a.mjs', '--drain', '1.5'], '--drain must be a number from 0 to 86400, not "1.5"'],
    [['start', 'a.mjs', '--port=-1'], 'the port must be a number from 0 to 65535, not "-1"'],
  ])('%j: one line, exit code 2', async (words, problem) => {
    expect(await workshop.run(...words)).toEqual({
      code: 2,
      out: '',
      err: `trunkline: ${problem}; see trunkline --help\n`,
    });
  });

  it('explains an option without its value', async () => {
    const { code, err } = await workshop.run('start', 'a.mjs', '--data');
    expect(code).toBe(2);
    expect(err).toMatch(/^trunkline: .*--data.*; see trunkline --help\n$/);
  });
});

describe('settings', () => {
  const start = (words: string[], environment = {}) => parseCommand(['start', 'a.js', ...words], environment);

  it('have defaults', () => {
    expect(start([])).toEqual({
      name: 'start',
      module: 'a.js',
      port: 7400,
      host: '127.0.0.1',
      data: 'data',
      drainMs: 0,
      apiKeys: {},
    });
  });

  it('come from the environment, and from options before that', () => {
    const environment = { PORT: '1', HOST: '::1', TRUNKLINE_DATA: 'd', TRUNKLINE_DRAIN: '7' };
    expect(start([], environment)).toMatchObject({ port: 1, host: '::1', data: 'd', drainMs: 7_000 });
    expect(start(['--drain', '86400'], environment)).toMatchObject({ drainMs: 86_400_000 });
    expect(start(['-p', '65535', '--host', 'h', '--data', 'e'], environment)).toMatchObject({
      port: 65_535,
      host: 'h',
      data: 'e',
    });
  });

  it('API keys come from the environment, by name', () => {
    const keys = (text: string) => start([], { TRUNKLINE_API_KEYS: text });
    expect(keys('')).toMatchObject({ apiKeys: {} });
    expect(keys(' prices=a=b\n crm=sha256:00 ')).toMatchObject({ apiKeys: { prices: 'a=b', crm: 'sha256:00' } });
    expect(() => keys('a=1 secret')).toThrow('with spaces between them; number 2 is not; see trunkline --help');
    expect(() => keys('a=')).toThrow('number 1 is not');
    expect(() => keys('a=1 a=2')).toThrow('TRUNKLINE_API_KEYS has a name twice');
  });
});
