// The rules of the map. Each takes the workspace as data and answers with sentences about what breaks it.

import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path/posix';
import { MAP, type Place } from './map.js';
import type { Package, SourceFile } from './packages.js';

/** `@scope/name/deep` → `@scope/name`; `name/deep` → `name`. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

const isRelative = (specifier: string) => specifier.startsWith('.');
const isOurs = (specifier: string) => specifier.startsWith('@trunkline/');

/** A module of Node, with or without its prefix, unless a declared dependency has the name. */
const isNodes = (specifier: string) => specifier.startsWith('node:') || isBuiltin(specifier);

/** Imports that the map forbids. */
export function forbiddenArrows(pkg: Package, place: Place = placeOf(pkg)): string[] {
  const nodeOnly = nodeOnlyFiles(pkg, place);
  return pkg.sources.flatMap((file) => {
    const allowed = [...place.mayImport, ...(nodeOnly.has(file.path) ? (place.nodeMayImport ?? []) : [])];
    return file.imports
      .filter((specifier) => isOurs(specifier) && !allowed.includes(packageOf(specifier)))
      .map((specifier) => `${file.path} may not import ${specifier}`);
  });
}

/** Modules of Node in what must run anywhere. */
export function impurities(pkg: Package, place: Place = placeOf(pkg)): string[] {
  const nodeOnly = nodeOnlyFiles(pkg, place);
  return pkg.sources.flatMap((file) =>
    file.imports.flatMap((specifier) => {
      if (!isNodes(specifier)) return [];
      if (!specifier.startsWith('node:')) return [`${file.path}: write node:${specifier}`];
      return place.pure && !nodeOnly.has(file.path) ? [`${file.path} is pure and may not import ${specifier}`] : [];
    }),
  );
}

/** Imports that bypass `exports`: into another package by path, or deeper than it publishes. */
export function deepImports(pkg: Pick<Package, 'folder' | 'sources' | 'tests'>, all: readonly Package[]): string[] {
  return [...pkg.sources, ...pkg.tests].flatMap((file) =>
    file.imports.flatMap((specifier) => {
      if (isRelative(specifier)) {
        const target = join(dirname(file.path), specifier);
        // A manifest is public, and where Node resolves from.
        if (target.endsWith('/package.json')) return [];
        // Tests may share what they build their worlds from.
        if (pkg.tests.includes(file) && target.includes('/test/support/')) return [];
        const home = all.find((other) => target.startsWith(`${other.folder}/`));
        return home === undefined || home.folder === pkg.folder ? [] : [`${file.path} reaches into ${target}`];
      }
      if (!isOurs(specifier)) return [];
      const target = all.find((other) => other.manifest.name === packageOf(specifier));
      const entry = `.${specifier.slice(packageOf(specifier).length)}`;
      return target?.manifest.exports?.[entry] === undefined ? [`${file.path}: ${specifier} is not published`] : [];
    }),
  );
}

/** Imports of what the package does not declare. Tests may use the root's tools and any package of ours. */
export function undeclared(pkg: Package, rootTools: readonly string[], place: Place = placeOf(pkg)): string[] {
  const { name, dependencies = {}, peerDependencies = {}, devDependencies = {} } = pkg.manifest;
  const shipped = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  const inSources = [...shipped, ...Object.keys(devDependencies)];
  const inTests = [name, ...inSources, ...rootTools];
  const missing = (files: readonly SourceFile[], isDeclared: (name: string) => boolean) =>
    files.flatMap((file) =>
      file.imports
        .filter((specifier) => !isRelative(specifier) && !isNodes(specifier) && !isDeclared(packageOf(specifier)))
        .map((specifier) => `${file.path} imports ${specifier}, which ${pkg.folder}/package.json does not declare`),
    );
  return [
    ...missing(pkg.sources, (wanted) => (place.isShown ? inSources : shipped).includes(wanted)),
    ...missing(pkg.tests, (wanted) => isOurs(wanted) || inTests.includes(wanted)),
  ];
}

/** Dependencies that nothing in the package imports. */
export function unused(pkg: Package): string[] {
  const { dependencies = {}, peerDependencies = {}, devDependencies = {} } = pkg.manifest;
  const importedBy = (files: readonly SourceFile[]) => new Set(files.flatMap((file) => file.imports.map(packageOf)));
  const shipped = importedBy(pkg.sources);
  const anywhere = importedBy([...pkg.sources, ...pkg.tests]);
  return [
    ...Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => !shipped.has(name)),
    // Types are used by whoever imports what they describe.
    ...Object.keys(devDependencies).filter((name) => !anywhere.has(name.replace(/^@types\//, ''))),
  ].map((name) => `${pkg.folder}/package.json declares ${name}, which nothing imports`);
}

/** Project references that differ from the imports of our own packages: a build in the wrong order, or too much of one. */
export function wrongReferences(pkg: Package, all: readonly Package[]): string[] {
  const imported = new Set(pkg.sources.flatMap((file) => file.imports.filter(isOurs).map(packageOf)));
  const needed = all.filter((other) => other !== pkg && imported.has(other.manifest.name)).map((other) => other.folder);
  return [
    ...needed
      .filter((folder) => !pkg.references.includes(folder))
      .map((folder) => `${pkg.folder} must refer to ${folder}`),
    ...pkg.references
      .filter((folder) => !needed.includes(folder))
      .map((folder) => `${pkg.folder} refers to ${folder} in vain`),
  ];
}

/** Files that only the package's entries for Node and for tests reach. */
function nodeOnlyFiles(pkg: Package, place: Place): Set<string> {
  if (place.nodeEntries === undefined) return new Set();
  const entries = Object.entries(pkg.manifest.exports ?? {});
  const reached = (names: (entry: string) => boolean) =>
    reachable(
      pkg,
      entries.filter(([entry]) => names(entry)).map(([, target]) => sourceOf(pkg, target)),
    );
  const everywhere = reached((entry) => !place.nodeEntries?.includes(entry));
  return new Set(
    [...reached((entry) => place.nodeEntries?.includes(entry) === true)].filter((file) => !everywhere.has(file)),
  );
}

/** `./dist/node.js` → `packages/client/src/node.ts`. */
function sourceOf(pkg: Package, target: string | Readonly<Record<string, string>>): string {
  const file = typeof target === 'string' ? target : (target.default ?? '');
  return `${pkg.folder}/${file.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')}`;
}

function reachable(pkg: Package, from: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const visit = (path: string) => {
    const file = pkg.sources.find((source) => source.path === path || source.path === `${path}x`);
    if (file === undefined || reached.has(file.path)) return;
    reached.add(file.path);
    for (const specifier of file.imports.filter(isRelative))
      visit(join(dirname(path), specifier.replace(/\.js$/, '.ts')));
  };
  for (const path of from) visit(path);
  return reached;
}

function placeOf(pkg: Package): Place {
  const place = MAP[pkg.folder];
  if (place === undefined) throw new Error(`${pkg.folder} is not on the map (test/workspace/map.ts)`);
  return place;
}
