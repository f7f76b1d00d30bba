import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportsEverything } from './import-scanner.js';
import { MAP } from './map.js';
import { codeUnder, type Manifest, ROOT, readJson, readWorkspace } from './packages.js';
import { deepImports, forbiddenArrows, impurities, undeclared, unused, wrongReferences } from './rules.js';

const workspace = readWorkspace();
const root = readJson('package.json') as Manifest;
const rootTools = Object.keys(root.devDependencies ?? {});

it('has every package on the map, and nothing else', () => {
  const folders = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => `${group}/${name}`),
  );
  const packages = [...folders, 'examples'].filter((folder) => existsSync(join(ROOT, folder, 'package.json')));
  expect(Object.keys(MAP).sort()).toEqual(packages.sort());
});

it('has arrows that go one way', () => {
  const folderOf = (name: string) => name.replace('@trunkline/', 'packages/');
  const visit = (folder: string, path: readonly string[]): void => {
    expect(path, 'a circle').not.toContain(folder);
    const { mayImport = [], nodeMayImport = [] } = MAP[folder] ?? {};
    for (const name of [...mayImport, ...nodeMayImport]) visit(folderOf(name), [...path, folder]);
  };
  for (const folder of Object.keys(MAP)) visit(folder, []);
});

describe.each(workspace.map((pkg) => [pkg.folder, pkg] as const))('%s', (folder, pkg) => {
  it('imports only what the map allows', () => {
    expect(forbiddenArrows(pkg)).toEqual([]);
  });

  it('imports no module of Node where it must run anywhere', () => {
    expect(impurities(pkg)).toEqual([]);
  });

  it('uses published entry points only', () => {
    expect(deepImports(pkg, workspace)).toEqual([]);
  });

  it('declares what it imports', () => {
    expect(undeclared(pkg, rootTools)).toEqual([]);
  });

  it('imports what it declares', () => {
    expect(unused(pkg)).toEqual([]);
  });

  it('refers to the projects that it imports', () => {
    expect(wrongReferences(pkg, workspace)).toEqual([]);
  });

  it('asks for exactly the versions of ours that are here', () => {
    const versions = new Map(workspace.map(({ manifest }) => [manifest.name, manifest.version]));
    for (const [name, range] of Object.entries(pkg.manifest.dependencies ?? {})) {
      if (versions.has(name)) expect(range, name).toBe(versions.get(name));
    }
  });

  it('lists its public names by hand', () => {
    const indexes = pkg.sources.filter((file) => file.path.endsWith('/index.ts'));
    for (const { path } of indexes) expect(exportsEverything(readFileSync(join(ROOT, path), 'utf8')), path).toBe(false);
  });

  it('ships a licence and a description of itself', () => {
    expect(pkg.manifest.license).toBe('MIT');
    if (pkg.manifest.private === true) return;
    expect(existsSync(join(ROOT, folder, 'LICENSE')), 'LICENSE').toBe(true);
    expect(existsSync(join(ROOT, folder, 'README.md')), 'README.md').toBe(true);
  });
});

describe('what stands outside the packages', () => {
  const packages = workspace.filter(({ folder }) => folder.startsWith('packages/'));

  // Apps have no entry points: what tests them starts their programs.
  it('tests across packages use published entry points only', () => {
    const tests = codeUnder('test').filter((file) => !file.path.startsWith('test/workspace/'));
    expect(deepImports({ folder: 'test', sources: [], tests }, packages)).toEqual([]);
  });

  it('benchmarks use published entry points only', () => {
    expect(deepImports({ folder: 'bench', sources: codeUnder('bench'), tests: [] }, packages)).toEqual([]);
  });

  it('scripts need nothing but Node', () => {
    const foreign = codeUnder('scripts').flatMap((file) => file.imports.filter((name) => !/^(?:node:|\.)/.test(name)));
    expect(foreign).toEqual([]);
  });

  it('the root project builds every package, and checks the examples', () => {
    const { references } = readJson('tsconfig.json') as { references: { path: string }[] };
    const packages = Object.keys(MAP).filter((folder) => !folder.startsWith('apps/'));
    expect(references.map(({ path }) => path).sort()).toEqual(packages.sort());
  });
});
