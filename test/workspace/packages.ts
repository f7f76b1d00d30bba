// The workspace as data: manifests, sources with their imports, references. Rules are judged on this.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf } from './import-scanner.js';
import { MAP } from './map.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export interface SourceFile {
  /** From the root, with `/`. */
  readonly path: string;
  readonly imports: readonly string[];
}

export interface Package {
  /** From the root: `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** What ships, or runs: all but tests and the configuration of tools. */
  readonly sources: readonly SourceFile[];
  /** Tests and the configuration of tools. */
  readonly tests: readonly SourceFile[];
  /** Folders of ours that the package's TypeScript projects refer to. */
  readonly references: readonly string[];
}

const CODE = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const NOT_SOURCE = new Set(['node_modules', 'dist', 'data', 'docs']);

export function readWorkspace(): Package[] {
  return Object.keys(MAP).map(readPackage);
}

export function readPackage(folder: string): Package {
  const files = codeUnder(folder);
  const isTest = ({ path }: SourceFile) =>
    path.startsWith(`${folder}/test/`) || /(?:^|\/)\w+\.config\.[mc]?[jt]s$/.test(path);
  return {
    folder,
    manifest: readJson(join(folder, 'package.json')) as Manifest,
    sources: files.filter((file) => !isTest(file)),
    tests: files.filter(isTest),
    references: referencesOf(folder),
  };
}

/** Code files under a folder of the repository. */
export function codeUnder(folder: string): SourceFile[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_SOURCE.has(entry.name) ? [] : codeUnder(path);
    return CODE.test(entry.name) ? [{ path, imports: importsOf(readFileSync(join(ROOT, path), 'utf8')) }] : [];
  });
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

function referencesOf(folder: string): string[] {
  const projects = readdirSync(join(ROOT, folder)).filter((name) => /^tsconfig.*\.json$/.test(name));
  const referred = projects.flatMap((name) => {
    const { references = [] } = readJson(join(folder, name)) as { references?: { path: string }[] };
    return references.map(({ path }) => {
      const target = join(ROOT, folder, path);
      return relative(ROOT, target.endsWith('.json') ? dirname(target) : target).replaceAll('\\', '/');
    });
  });
  return [...new Set(referred)].filter((target) => target !== folder).sort();
}
