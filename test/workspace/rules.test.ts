// The scanner and the rules can fail: each is shown something wrong.

import { describe, expect, it } from 'vitest';
import { exportedTypes, exportsEverything, importsOf } from './import-scanner.js';
import type { Manifest, Package } from './packages.js';
import { deepImports, forbiddenArrows, impurities, undeclared, unused, wrongReferences } from './rules.js';

describe('importsOf', () => {
  it.each([
    ["import a from 'x';", ['x']],
    ["import { a,\n  type B,\n} from '@s/x/deep';", ['@s/x/deep']],
    ["import type { A } from 'x';", ['x']],
    ["import * as a from 'x';", ['x']],
    ["import 'x/side.css';", ['x/side.css']],
    ["export { a } from './a.js';", ['./a.js']],
    ["export * from './a.js';", ['./a.js']],
    ["export type { A } from 'x';", ['x']],
    ["const a = await import('x');", ['x']],
    ["let a: import('x').A;", ['x']],
    ["const a = require('x');", ['x']],
    ["new Worker(new URL('./worker.js', import.meta.url));", ['./worker.js']],
    ["import a from 'x'; // from 'y'\nimport b from 'z';", ['x', 'z']],
    ["// import a from 'x';", []],
    ["/* import a from 'x';\nimport b from 'y' */", []],
    ["/**\n * import { a } from 'x';\n */", []],
    ["export const a = 'from';\nconst b = 'x';", []],
    ["export function from(a: string) {\n  return a === 'x';\n}", []],
  ])('%j → %j', (source, expected) => {
    expect(importsOf(source)).toEqual(expected);
  });
});

describe('exported names', () => {
  it('sees export *', () => {
    expect(exportsEverything("export * from './a.js';")).toBe(true);
    expect(exportsEverything("export type * from './a.js';")).toBe(true);
    expect(exportsEverything("export { a } from './a.js';\n// export * would be easy")).toBe(false);
  });

  it('lists types', () => {
    const source =
      "export { a, type B, c as d } from './a.js';\nexport type {\n  E,\n  F as G,\n} from 'x';\nexport interface H {}";
    expect(exportedTypes(source)).toEqual(['B', 'E', 'G', 'H']);
  });
});

const core = make('core', {
  manifest: { dependencies: { '@trunkline/protocol': '1', zod: '1' } },
  imports: ['@trunkline/protocol', './b.js'],
});
const protocol = make('protocol', {});
const place = { mayImport: ['@trunkline/protocol'], pure: true };

describe('the rules', () => {
  it('find a forbidden arrow', () => {
    expect(forbiddenArrows(core, place)).toEqual([]);
    const wrong = make('core', { imports: ['@trunkline/server', '@trunkline/client/node'] });
    expect(forbiddenArrows(wrong, place)).toEqual([
      'packages/core/src/index.ts may not import @trunkline/server',
      'packages/core/src/index.ts may not import @trunkline/client/node',
    ]);
  });

  it('find a module of Node in a pure package', () => {
    expect(impurities(make('core', { imports: ['node:fs'] }), place)).toHaveLength(1);
    expect(impurities(make('core', { imports: ['fs'] }), { ...place, pure: false })).toEqual([
      'packages/core/src/index.ts: write node:fs',
    ]);
    expect(impurities(make('core', { imports: ['node:fs'] }), { ...place, pure: false })).toEqual([]);
  });

  it('allow Node only to what its entry alone reaches', () => {
    const client = {
      ...make('client', { manifest: { exports: { '.': './dist/index.js', './node': { default: './dist/node.js' } } } }),
      sources: [
        { path: 'packages/client/src/index.ts', imports: ['./shared.js'] },
        { path: 'packages/client/src/node.ts', imports: ['./shared.js', './dial.js'] },
        { path: 'packages/client/src/dial.ts', imports: ['node:net', '@trunkline/websocket'] },
        { path: 'packages/client/src/shared.ts', imports: ['node:os', '@trunkline/websocket'] },
      ],
    };
    const node = { ...place, nodeEntries: ['./node'], nodeMayImport: ['@trunkline/websocket'] };
    expect(impurities(client, node)).toEqual(['packages/client/src/shared.ts is pure and may not import node:os']);
    expect(forbiddenArrows(client, node)).toEqual([
      'packages/client/src/shared.ts may not import @trunkline/websocket',
    ]);
  });

  it('find imports past the published entries', () => {
    const all = [core, protocol];
    expect(deepImports(core, all)).toEqual([]);
    const wrong = make('core', { imports: ['@trunkline/protocol/dist/names.js', '../../protocol/src/names.js'] });
    expect(deepImports(wrong, all)).toEqual([
      'packages/core/src/index.ts: @trunkline/protocol/dist/names.js is not published',
      'packages/core/src/index.ts reaches into packages/protocol/src/names.js',
    ]);
  });

  it('let tests share their support, and nobody else', () => {
    const file = { path: 'packages/core/test/a.test.ts', imports: ['../../protocol/test/support/world.js'] };
    expect(deepImports({ ...core, sources: [], tests: [file] }, [core, protocol])).toEqual([]);
    expect(deepImports({ ...core, sources: [file], tests: [] }, [core, protocol])).toHaveLength(1);
  });

  it('find what is not declared', () => {
    expect(undeclared(core, [])).toEqual([]);
    expect(undeclared(make('core', { imports: ['zod', 'node:fs', './a.js'] }), ['zod'])).toHaveLength(1);
    const tests = [{ path: 'packages/core/test/a.test.ts', imports: ['vitest', '@trunkline/server', 'left-pad'] }];
    expect(undeclared({ ...core, tests }, ['vitest'])).toEqual([
      'packages/core/test/a.test.ts imports left-pad, which packages/core/package.json does not declare',
    ]);
  });

  it('let what is only shown use its devDependencies', () => {
    const shown = make('core', { imports: ['express'], manifest: { devDependencies: { express: '5' } } });
    expect(undeclared(shown, [], { ...place, isShown: true })).toEqual([]);
    expect(undeclared(shown, [], place)).toHaveLength(1);
  });

  it('find what is declared in vain', () => {
    expect(unused(core)).toEqual(['packages/core/package.json declares zod, which nothing imports']);
  });

  it('find references that differ from the imports', () => {
    const all = [core, protocol];
    expect(wrongReferences(core, all)).toEqual(['packages/core must refer to packages/protocol']);
    expect(wrongReferences({ ...core, references: ['packages/protocol'] }, all)).toEqual([]);
    expect(wrongReferences({ ...core, references: ['packages/protocol', 'packages/server'] }, all)).toHaveLength(1);
  });
});

function make(
  name: string,
  { manifest = {}, imports = [] }: { manifest?: Partial<Manifest>; imports?: string[] },
): Package {
  return {
    folder: `packages/${name}`,
    manifest: { name: `@trunkline/${name}`, version: '1', exports: { '.': './dist/index.js' }, ...manifest },
    sources: [{ path: `packages/${name}/src/index.ts`, imports }],
    tests: [],
    references: [],
  };
}
