// What is in the tarballs: all that is needed, nothing else, and types for every entry.

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { node, PACKAGES, run } from './tools.js';

const project = inject('project');
const tarballs = inject('tarballs');

interface Manifest {
  readonly name: string;
  readonly types?: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

describe.each(PACKAGES)('%s', (name) => {
  const manifest = JSON.parse(
    readFileSync(join(project, 'node_modules/@trunkline', name, 'package.json'), 'utf8'),
  ) as Manifest;
  const read = (file: string) => readFileSync(join(project, 'node_modules/@trunkline', name, file), 'utf8');
  let listing: { readonly mode: string; readonly path: string }[] = [];
  let files: string[] = [];
  beforeAll(async () => {
    const lines = (await run('tar', ['-tvzf', tarballs[name] ?? ''], project)).trim().split('\n');
    listing = lines.map((line) => ({ mode: line.slice(0, 10), path: line.replace(/^.*? package\//, '') }));
    files = listing.map(({ path }) => path);
  });

  it('holds its code, its sources, a licence and a page about itself', () => {
    const wanted = ['package.json', 'LICENSE', 'README.md', 'dist/index.js', 'src/index.ts'];
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
  });

  it('holds nothing else', () => {
    const expected =
      /^(?:package\.json|LICENSE|README\.md|(?:src|dist|bin)\/(?:[\w-]+\/)*[\w-]+\.(?:ts|tsx|js|sql|d\.ts|js\.map|d\.ts\.map))$/;
    expect(files.filter((file) => !expected.test(file))).toEqual([]);
    expect(files.filter((file) => /(?:^|\/)test\/|\.test\.|\.test-d\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  it('holds no output whose source is gone', () => {
    const built = files.filter((file) => /^dist\/.*\.js$/.test(file));
    const sources = (file: string) => ['ts', 'tsx'].map((kind) => file.replace(/^dist/, 'src').replace(/js$/, kind));
    expect(built.filter((file) => !sources(file).some((source) => files.includes(source)))).toEqual([]);
  });

  it('has code and types for every entry, types first', () => {
    for (const [entry, conditions] of Object.entries(manifest.exports)) {
      expect(Object.keys(conditions)[0], entry).toBe('types');
      for (const target of Object.values(conditions))
        expect(files.includes(posix.normalize(target)), `${entry}: ${target}`).toBe(true);
      expect(conditions.types?.replace(/\.d\.ts$/, '.js'), entry).toBe(conditions.default);
    }
  });

  it('has commands that can be executed', () => {
    for (const target of Object.values(manifest.bin ?? {})) {
      const found = listing.find(({ path }) => path === posix.normalize(target));
      expect(found?.mode).toMatch(/^-rwxr-xr-x/);
      expect(read(target)).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });

  it('has source maps that lead to sources', () => {
    for (const map of files.filter((file) => file.endsWith('.map'))) {
      const { sources } = JSON.parse(read(map)) as { sources: string[] };
      for (const source of sources)
        expect(files.includes(posix.join(posix.dirname(map), source)), `${map}: ${source}`).toBe(true);
    }
  });

  it('names its types in words that any TypeScript project resolves', () => {
    // With an extension: a path without one resolves in bundlers only.
    const bare = files
      .filter((file) => file.endsWith('.d.ts'))
      .flatMap((file) => [...read(file).matchAll(/from ['"](\.[^'"]*)['"]/g)].map((match) => `${file}: ${match[1]}`));
    expect(bare.filter((line) => !line.endsWith('.js'))).toEqual([]);
  });

  it('can be imported by every entry', async () => {
    const entries = Object.keys(manifest.exports).map((entry) => `${manifest.name}${entry.slice(1)}`);
    const code = entries.map((entry) => `await import(${JSON.stringify(entry)});`).join('\n');
    expect(await node(['--input-type=module', '--eval', code], project)).toBe('');
  });
});
