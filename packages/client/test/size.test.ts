// The browser entry's size, as a bundler ships it, and that importing it does nothing.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';

const BUDGET_BYTES = 16.5 * 1_024;
const ENTRY = fileURLToPath(import.meta.resolve('@trunkline/client'));
const folders: string[] = [];

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function bundle(source: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'trunkline-size-'));
  folders.push(root);
  const input = join(root, 'entry.js');
  await writeFile(input, source.replace('@trunkline/client', ENTRY));
  const output = await build({
    root,
    logLevel: 'silent',
    configFile: false,
    build: { write: false, minify: true, target: 'es2022', modulePreload: false, rollupOptions: { input } },
  });
  const [result] = Array.isArray(output) ? output : [output];
  if (result === undefined || !('output' in result)) throw new Error('nothing was built');
  return result.output.map((chunk) => ('code' in chunk ? chunk.code : '')).join('');
}

describe('the browser bundle', () => {
  it('has less than 16.5 KB, minified and gzipped: connection, log, table, calls, and what stands beside a log', async () => {
    const code = await bundle(`import { connect } from '@trunkline/client'; globalThis.connect = connect;`);
    const bytes = gzipSync(code, { level: 9 }).length;
    console.info(`connection + log + table + calls + beside: ${code.length} bytes minified, ${bytes} gzipped`);
    expect(bytes).toBeGreaterThan(2_000);
    expect(bytes).toBeLessThan(BUDGET_BYTES);
  });

  it('holds nothing of Node, nor the checks of messages that only a server receives', async () => {
    const code = await bundle(`import { connect } from '@trunkline/client'; globalThis.connect = connect;`);
    expect(code).not.toMatch(/node:|require\(/);
    expect(code).not.toContain('name exactly one of before and after');
  });

  it('is nothing at all for who imports it and uses nothing', async () => {
    const code = await bundle(`import '@trunkline/client';`);
    expect(code.trim().length).toBeLessThan(50);
  });
});
