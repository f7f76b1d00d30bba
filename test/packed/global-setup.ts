// Packs every package and installs the tarballs into an empty folder, as an adopter's `npm install` would.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { readme } from './readme.js';
import { CONSUMER, npm, PACKAGES, ROOT } from './tools.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The adopter's project, with everything installed. */
    readonly project: string;
    /** Tarball by folder name: `core` → `…/trunkline-core-0.1.0.tgz`. */
    readonly tarballs: Readonly<Record<string, string>>;
  }
}

/** What an adopter installs beside the packages, in the versions that the workspace was built with. */
const BESIDE = ['zod', 'react', 'react-dom', 'typescript', 'vite', '@types/node', '@types/react', '@types/react-dom'];

export default async function setup({ provide }: TestProject): Promise<() => void> {
  // Outside the repository: nothing above this folder has a node_modules to fall back on.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trunkline-packed-')));
  const project = join(folder, 'project');
  const packed = join(folder, 'tarballs');
  for (const made of [project, packed]) mkdirSync(made);
  try {
    const tarballs = await pack(packed);
    cpSync(CONSUMER, project, { recursive: true });
    for (const [name, text] of Object.entries(readme())) writeFileSync(join(project, 'src', name), text);
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifestOf(tarballs), null, 2));
    await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], project);
    provide('project', project);
    provide('tarballs', tarballs);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return () => rmSync(folder, { recursive: true, force: true });
}

async function pack(destination: string): Promise<Record<string, string>> {
  const folders = PACKAGES.map((name) => `./packages/${name}`);
  await npm(['pack', '--loglevel=error', '--pack-destination', destination, ...folders], ROOT);
  const files = readdirSync(destination);
  return Object.fromEntries(
    PACKAGES.map((name) => {
      const file = files.find((candidate) => new RegExp(`^trunkline-${name}-\\d`).test(candidate));
      if (file === undefined) throw new Error(`npm pack made no tarball of packages/${name}, only ${files.join(', ')}`);
      return [name, join(destination, file)];
    }),
  );
}

function manifestOf(tarballs: Readonly<Record<string, string>>) {
  const versionOf = (name: string) =>
    (JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
  return {
    name: 'adopter',
    private: true,
    type: 'module',
    dependencies: {
      ...Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [`@trunkline/${name}`, `file:${file}`])),
      ...Object.fromEntries(BESIDE.map((name) => [name, versionOf(name)])),
    },
  };
}
