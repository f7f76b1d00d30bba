// Writes docs/api: a page for each entry point of the packages, made by TypeDoc from the docstrings that ship with them.
// It needs a compiler that can be called as a library, which TypeScript 7 is not yet; so it has its own lockfile.
// `--check` writes nothing and says which pages are not what the code says.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../..');
const PAGES = join(ROOT, 'docs/api');
/** Entry points by the names of their pages. Left out: what has no user but this repository, and command lines. */
const ENTRIES = {
  server: 'server/dist/index.d.ts',
  client: 'client/dist/index.d.ts',
  'client-node': 'client/dist/node.d.ts',
  react: 'react/dist/index.d.ts',
  'broker-sqlite': 'broker-sqlite/dist/index.d.ts',
  broker: 'broker/dist/index.d.ts',
  websocket: 'websocket/dist/index.d.ts',
  protocol: 'protocol/dist/index.d.ts',
};

const isCheck = process.argv.includes('--check');
const out = isCheck ? mkdtempSync(join(tmpdir(), 'trunkline-reference-')) : PAGES;
try {
  await write(out);
  if (isCheck) report(outdated(out));
  else process.stdout.write(`${readdirSync(out).length} pages in ${relative(ROOT, out)}\n`);
} finally {
  if (isCheck) rmSync(out, { recursive: true, force: true });
}

async function write(folder) {
  mkdirSync(folder, { recursive: true });
  // TypeDoc names a page after its entry file: so each entry point gets one with the name that it is to have.
  const sources = join(HERE, 'node_modules/.entries');
  rmSync(sources, { recursive: true, force: true });
  mkdirSync(sources, { recursive: true });
  const entryPoints = Object.entries(ENTRIES).map(([name, path]) => {
    const file = join(sources, `${name}.ts`);
    const from = relative(sources, join(ROOT, 'packages', path)).replace(/\.d\.ts$/, '.js');
    writeFileSync(file, `export * from '${from}';\n`);
    return file;
  });
  const tsconfig = join(sources, 'tsconfig.json');
  const typeRoots = [join(ROOT, 'node_modules/@types')];
  const lib = ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'];
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots,
    lib,
  };
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const application = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints,
    tsconfig,
    skipErrorChecking: true,
    readme: 'none',
    name: 'Trunkline: the packages',
    outputs: [{ name: 'markdown', path: folder }],
    disableSources: true,
    excludeExternals: true,
    outputFileStrategy: 'modules',
    hidePageHeader: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    logLevel: 'Warn',
    treatWarningsAsErrors: true,
    validation: { notExported: false, invalidLink: true, notDocumented: false },
  });
  const project = await application.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the packages: npm run build first');
  application.validate(project);
  await application.generateOutputs(project);
  if (application.logger.hasErrors() || application.logger.hasWarnings()) process.exitCode = 1;
}

/** Pages that differ, are missing, or are of no package any more. */
function outdated(made) {
  const read = (folder, page) => {
    try {
      return readFileSync(join(folder, page), 'utf8');
    } catch {
      return null;
    }
  };
  const pages = new Set([...readdirSync(made), ...readdirSync(PAGES)]);
  return [...pages].filter((page) => read(made, page) !== read(PAGES, page));
}

function report(pages) {
  if (pages.length === 0) return;
  process.stderr.write(`docs/api is not what the code says (npm run reference writes it): ${pages.join(', ')}\n`);
  process.exitCode = 1;
}
