// What is installed, by the lockfile: licences, install scripts, completeness.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, readJson } from './packages.js';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** May be part of what ships. */
const SHIPPED = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD'];

/** Tools under other licences: used to build and test, never a part of what ships. */
const TOOLS: Readonly<Record<string, { readonly licence: string; readonly reason: string }>> = {
  'axe-core': { licence: 'MPL-2.0', reason: 'judges the demo’s pages in the browser tests' },
  argparse: { licence: 'Python-2.0', reason: 'a part of TypeDoc, which writes docs/api' },
  minimatch: { licence: 'BlueOak-1.0.0', reason: 'a part of TypeDoc, which writes docs/api' },
  lightningcss: { licence: 'MPL-2.0', reason: 'Vite minifies CSS with it, at build time' },
};

/** Peers of the benchmarks whose package.json names no licence as npm reads it. Of Socket.IO's client; MIT by its LICENSE file. */
const MIT_BY_FILE = ['xmlhttprequest-ssl'];

/** Peers of the benchmarks that work without their install script: it only compiles where no binary is shipped. */
const WITHOUT_SCRIPT = ['bufferutil'];

const lockfiles = ['package-lock.json', 'bench/package-lock.json', 'docs/reference/package-lock.json'].filter((path) =>
  existsSync(join(ROOT, path)),
);

function installedBy(path: string) {
  const { packages } = readJson(path) as { packages: Record<string, Locked> };
  return Object.entries(packages)
    .filter(([place, { link }]) => place.includes('node_modules/') && link !== true)
    .map(([place, locked]) => ({ ...locked, name: place.slice(place.lastIndexOf('node_modules/') + 13) }));
}

/** Whether one of a package's licences is among those allowed. */
function isUnder({ license = 'none' }: Locked, licences: readonly string[]): boolean {
  return license
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => licences.includes(part)));
}

it('nothing ships but MIT, Apache-2.0, BSD and ISC', () => {
  const shipped = installedBy('package-lock.json').filter((locked) => locked.dev !== true);
  expect(shipped.length).toBeGreaterThan(5);
  const wrong = shipped.filter((locked) => !isUnder(locked, SHIPPED));
  expect(wrong.map(({ name, license }) => `${name}: ${license}`)).toEqual([]);
});

it('a licence counts if one of its choices does', () => {
  expect(isUnder({ license: 'MIT' }, SHIPPED)).toBe(true);
  expect(isUnder({ license: '(GPL-3.0 OR MIT)' }, SHIPPED)).toBe(true);
  expect(isUnder({ license: 'MIT AND MPL-2.0' }, SHIPPED)).toBe(false);
  expect(isUnder({ license: 'MPL-2.0' }, SHIPPED)).toBe(false);
  expect(isUnder({}, SHIPPED)).toBe(false);
});

describe.each(lockfiles)('%s', (path) => {
  const installed = installedBy(path);

  it('has dependencies', () => {
    expect(installed.length).toBeGreaterThan(0);
  });

  it('uses tools under those licences too, or listed ones', () => {
    const toolOf = (name: string) => Object.keys(TOOLS).find((tool) => name === tool || name.startsWith(`${tool}-`));
    const wrong = installed.filter((locked) => {
      if (path.startsWith('bench/') && locked.license === undefined && MIT_BY_FILE.includes(locked.name)) return false;
      const tool = toolOf(locked.name);
      return !isUnder(locked, [...SHIPPED, ...(tool === undefined ? [] : [TOOLS[tool]?.licence ?? ''])]);
    });
    expect(wrong.map(({ name, license }) => `${name}: ${license}`)).toEqual([]);
  });

  it('runs no install scripts: no package has any, or npm is told to run none', () => {
    const settings = readFileSync(join(ROOT, dirname(path), '.npmrc'), 'utf8').split('\n');
    const allowed = path.startsWith('bench/') && settings.includes('ignore-scripts=true') ? WITHOUT_SCRIPT : [];
    const scripted = installed.filter((locked) => locked.hasInstallScript === true).map(({ name }) => name);
    expect(scripted.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it('names no registry host', () => {
    expect(installed.filter((locked) => locked.resolved?.includes('://')).map(({ name }) => name)).toEqual([]);
  });

  it('is complete for every platform: npm ci refuses it otherwise', () => {
    const names = new Set(installed.map(({ name }) => name));
    const missing = installed.flatMap(({ name, optionalDependencies = {} }) =>
      Object.keys(optionalDependencies)
        .filter((wanted) => !names.has(wanted))
        .map((wanted) => `${name} → ${wanted}`),
    );
    expect(missing).toEqual([]);
  });
});

it('lists no exception that is not needed', () => {
  const installed = ['package-lock.json', 'docs/reference/package-lock.json'].flatMap(installedBy);
  for (const [tool, { licence }] of Object.entries(TOOLS)) {
    expect(installed, tool).toContainEqual(expect.objectContaining({ name: tool, license: licence, dev: true }));
  }
  const peers = (readJson('bench/package-lock.json') as { packages: Record<string, Locked> }).packages;
  for (const name of MIT_BY_FILE) expect(peers[`node_modules/${name}`], name).not.toHaveProperty('license');
});
