// A guide as its reader does it: the files of the page in an empty folder, on the tarballs.

import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { readme } from './readme.js';
import { node, ROOT, type Started, startUntil } from './tools.js';

export interface Guide {
  /** The page, as it stands. */
  readonly text: string;
  /** Its files by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Writes the files. */
  make(): void;
  remove(): void;
  /** Writes one of them with something else in the place of `right`, which must be there. The result puts it back. */
  breakIn(name: string, right: string, wrong: string): () => void;
  /** Compiles them, and resolves with what the compiler printed. Rejects with that if it complains. */
  tsc(): Promise<string>;
  /** Its server. Default: on a free port. */
  startServer(settings?: Readonly<Record<string, string>>): Promise<Started>;
  /** `npm run page`, on a free port, for the server on `port`. */
  startPage(port: string): Promise<Started>;
  /** What it tells to install, and what the tarballs were installed with: name and the part of the version that `^` holds to. */
  readonly told: readonly (readonly [string, string | undefined])[];
  readonly installed: readonly (readonly [string, string | undefined])[];
  /** Packages that its files import and its manifest does not name. */
  readonly untold: readonly string[];
}

/** Of a server that a guide started. */
export const portOf = ({ match }: Started): string => match[2] ?? '';

/**
 * @param page path in the repository
 * @param besides files that the page leaves to its reader
 */
export function guide(page: string, besides: Readonly<Record<string, string>> = {}): Guide {
  const modules = join(inject('project'), 'node_modules');
  const text = readFileSync(join(ROOT, page), 'utf8');
  const files = { ...besides, ...readme(text) };
  const { dependencies, devDependencies, name } = JSON.parse(files['package.json'] ?? '') as {
    name: string;
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  const folder = join(dirname(inject('project')), name);
  const named = Object.entries({ ...dependencies, ...devDependencies });
  // What `^` allows: the same first part, or the same second one below 1.0.
  const kin = (version: string) => /^(?:0\.\d+|\d+)/.exec(version.replace(/^\^/, ''))?.[0];
  const versionOf = (name: string) =>
    (JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as { version: string }).version;
  const imported = Object.values(files).flatMap((text) =>
    [...text.matchAll(/from '((?:@[\w-]+\/)?[a-z][\w-]*)(?=['/])/g)].map(([, name]) => name ?? ''),
  );
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  return {
    text,
    files,
    folder,
    make() {
      mkdirSync(folder);
      symlinkSync(modules, join(folder, 'node_modules'));
      for (const [name, text] of Object.entries(files)) put(name, text);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
    breakIn(name, right, wrong) {
      const whole = files[name] ?? '';
      if (!whole.includes(right)) throw new Error(`${page}: ${name} has no ${right}`);
      put(name, whole.replace(right, wrong));
      return () => put(name, whole);
    },
    tsc: () => node([join(modules, 'typescript/bin/tsc')], folder),
    startServer: (settings) =>
      startUntil(/listening at (http:\S+?):(\d+)\n/, ['build/server.js'], folder, {
        settings: { PORT: '0', ...settings },
      }),
    startPage(port) {
      const vite = ['node_modules/vite/bin/vite.js', '--port', '0', '--host', '127.0.0.1'];
      return startUntil(/Local:\s+(http:\S+:\d+)/, vite, folder, { settings: { PORT: port, NO_COLOR: '1' } });
    },
    told: named.map(([name, range]) => [name, kin(range)]),
    installed: named.map(([name]) => [name, kin(versionOf(name))]),
    untold: imported.filter((name) => !named.some(([known]) => known === name)),
  };
}
