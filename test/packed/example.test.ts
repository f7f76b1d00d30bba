// The README's example, in a project that has nothing but the tarballs.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { readme } from './readme.js';
import { node, PACKAGES, ROOT, run, startUntil } from './tools.js';

const project = inject('project');
const installed = (path: string) => join(project, 'node_modules', path);

describe("the README's example", () => {
  it('is there, and is short', () => {
    const files = readme();
    expect(Object.keys(files)).toEqual(['app.ts', 'server.ts', 'chat.tsx']);
    const lines = Object.values(files).map((text) => text.split('\n').filter((line) => line.trim() !== '').length);
    expect(Math.max(...lines)).toBeLessThanOrEqual(20);
  });

  it('is cut from the page by its fences', () => {
    const page = 'text\n```ts file=a.ts\nconst a = 1;\n```\n```sh\nnpm start\n```\n```tsx file=b.tsx\n<b />;\n```\n';
    expect(readme(page)).toEqual({ 'a.ts': 'const a = 1;\n', 'b.tsx': '<b />;\n' });
  });

  it('compiles with every declaration file checked', async () => {
    const tsc = installed('typescript/bin/tsc');
    expect(await node([tsc, '-p', 'tsconfig.json'], project)).toBe('');
    expect(await node([tsc, '-p', 'tsconfig.bundler.json'], project)).toBe('');
  });

  it('does not compile with a wrong field', async () => {
    const config = { extends: './tsconfig.json', compilerOptions: { noEmit: true }, include: ['src/wrong.ts'] };
    const right = readFileSync(join(project, 'src/exchange.ts'), 'utf8');
    expect(right).toContain("{ text: 'hello' }");
    writeFileSync(join(project, 'wrong.json'), JSON.stringify(config));
    writeFileSync(join(project, 'src/wrong.ts'), right.replace("{ text: 'hello' }", "{ txet: 'hello' }"));
    try {
      const compiled = node([installed('typescript/bin/tsc'), '-p', 'wrong.json'], project);
      await expect(compiled).rejects.toThrow(/wrong\.ts.*txet/);
    } finally {
      rmSync(join(project, 'src/wrong.ts'));
    }
  });

  describe('compiled', () => {
    beforeAll(async () => {
      await node([installed('typescript/bin/tsc'), '-p', 'tsconfig.json'], project);
      // The page names a fixed port; here any free one.
      const server = join(project, 'dist/server.js');
      const text = readFileSync(server, 'utf8');
      expect(text).toContain('port: 7400');
      writeFileSync(server, text.replace('port: 7400', 'port: 0'));
    });

    it('serves, and carries a message from one Node client to another', async () => {
      const server = await startUntil(/listening at (http:\S+)/, ['dist/server.js'], project);
      try {
        const said = await node(['dist/exchange.js', server.match[1] ?? ''], project);
        expect(said).toBe('bob saw ada: hello at 1\nclosed 1000 1000\n');
      } finally {
        await server.stop();
      }
    });

    it('is bundled for browsers, without anything of Node', async () => {
      const said = await node([installed('vite/bin/vite.js'), 'build', '--outDir', 'bundle'], project);
      expect(said).not.toMatch(/externalized|warning/i);
      const scripts = readdirSync(join(project, 'bundle/assets')).filter((file) => file.endsWith('.js'));
      expect(scripts).toHaveLength(1);
      const code = readFileSync(join(project, 'bundle/assets', scripts[0] ?? ''), 'utf8');
      expect(code.includes('trunkline.v1.json'), 'the client is in it').toBe(true);
      // The second is the constant of the handshake, which only an engine computes with.
      for (const foreign of [/["'`]node:/, /258EAFA5-E914/]) expect(foreign.test(code), `${foreign}`).toBe(false);
    });

    it('is served by the trunkline command', async () => {
      const words = [
        'node_modules/@trunkline/cli/bin/trunkline.js',
        'start',
        'dist/app.js',
        '--port',
        '0',
        '--data',
        'cli',
      ];
      const server = await startUntil(/served at (http:\S+),/, words, project);
      try {
        const said = await node(['dist/exchange.js', server.match[1] ?? ''], project);
        expect(said).toContain('bob saw ada: hello at 1\n');
      } finally {
        expect(await server.stop()).toBe(0);
      }
      expect(existsSync(join(project, 'cli/trunkline.db'))).toBe(true);
    });
  });
});

describe('npx trunkline', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/cli/package.json'), 'utf8')) as { version: string };

  it.each([
    ['installed from the tarball', project],
    ['in the workspace', ROOT],
  ])('%s', async (_, folder) => {
    const said = await run('npx', ['--no-install', 'trunkline', '--version'], folder);
    expect(said.trim().split('\n').at(-1)).toBe(version);
  });
});

it('installs each package once, and nothing of ours from elsewhere', async () => {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string }>;
  };
  const ours = Object.entries(lock.packages).filter(([path]) => path.includes('node_modules/@trunkline/'));
  expect(ours.map(([path]) => path).sort()).toEqual(PACKAGES.map((name) => `node_modules/@trunkline/${name}`).sort());
  for (const [, { resolved }] of ours) expect(resolved).toMatch(/^file:/);
});
