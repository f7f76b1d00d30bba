// The scripts' own logic, where it can be wrong in silence.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureChromium, ensurePython } from '../../scripts/lib/debian.mjs';
import { isInstalled } from '../../scripts/lib/install.mjs';
import { skipProblems } from '../../scripts/lib/skips.mjs';
import { filesUnder, hashOf } from '../../scripts/lib/stamp.mjs';
import { errorsIn, judgeFile } from '../../scripts/lib/type-tests.mjs';
import { judgeReport } from '../../scripts/lib/vitest-suite.mjs';
import { ROOT } from './packages.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-scripts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, content: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
};

describe('counting a run of Vitest', () => {
  const file = (status: string, tests: Record<string, string>, message = '') => ({
    name: join(ROOT, 'packages/core/test/a.test.ts'),
    status,
    message,
    assertionResults: Object.entries(tests).map(([title, status]) => ({ ancestorTitles: ['hub'], title, status })),
  });
  const judge = (files: ReturnType<typeof file>[], code = 0, errors: string[] = []) =>
    judgeReport('unit', { testResults: files }, code, errors);

  it('counts what passed', () => {
    expect(judge([file('passed', { a: 'passed', b: 'passed' })])).toEqual({
      passed: 2,
      failed: 0,
      skipped: 0,
      problems: [],
    });
  });

  it('names what failed', () => {
    expect(judge([file('failed', { a: 'passed', b: 'failed' })], 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
      problems: ['failed: packages/core/test/a.test.ts > hub > b'],
    });
  });

  it('fails for a file that cannot be loaded', () => {
    const result = judge([file('failed', {}, 'Cannot find module x\n    at …'), file('passed', { a: 'passed' })], 1);
    expect(result.problems).toEqual(['failed: packages/core/test/a.test.ts: Cannot find module x']);
  });

  it('fails for a suite without tests', () => {
    expect(judge([])).toMatchObject({ failed: 1, problems: ['no tests ran'] });
  });

  it('fails for an error outside the tests, and says which', () => {
    const files = [file('passed', { a: 'passed' })];
    expect(judge(files, 1, ['Unhandled Rejection: Error: gone'])).toMatchObject({
      failed: 1,
      problems: ['outside the tests: Unhandled Rejection: Error: gone'],
    });
    expect(judge(files, 1)).toMatchObject({
      failed: 1,
      problems: ['Vitest ended with exit code 1 and named no reason'],
    });
  });

  it('fails for a skip without a reason, and a todo is one', () => {
    expect(judge([file('passed', { a: 'passed', b: 'skipped', c: 'todo' })])).toMatchObject({
      passed: 1,
      skipped: 2,
      failed: 2,
    });
  });
});

describe('reasons for skips', () => {
  it('are needed for each skip, and for no other test', () => {
    const run = { all: ['a', 'b'], skipped: ['a'] };
    expect(skipProblems('unit', run, { a: 'needs two machines' })).toEqual([]);
    expect(skipProblems('unit', run, {})).toEqual(['skipped without a reason in test/skips.json: a']);
    expect(skipProblems('unit', run, { a: ' ' })).toHaveLength(1);
    expect(skipProblems('unit', run, { a: 'x', gone: 'x' })).toEqual([
      'test/skips.json lists a test that does not exist: gone',
    ]);
  });

  it('may wait for a test that is skipped on some machines only', () => {
    expect(skipProblems('unit', { all: ['a', 'b'], skipped: [] }, { a: 'root may write anywhere' })).toEqual([]);
  });
});

describe('tests of types', () => {
  const text =
    "describe('x', () => {\n  it('one', () => {\n    f();\n  });\n  it('two', () => {\n    g();\n  });\n});\n";

  it('pass when their file has no error', () => {
    expect(judgeFile(text, [])).toEqual({ passed: 2, failed: [] });
  });

  it('fail by the line of the error', () => {
    expect(judgeFile(text, [6, 6])).toEqual({ passed: 1, failed: ['two'] });
  });

  it('all fail for an error above them', () => {
    expect(judgeFile(text, [1])).toEqual({ passed: 0, failed: ['one', 'two'] });
  });

  it('are the file itself when it names none', () => {
    expect(judgeFile('export {};', [])).toEqual({ passed: 1, failed: [] });
    expect(judgeFile('export {};', [1])).toEqual({ passed: 0, failed: ['(the file)'] });
  });

  it('are found in the words of the compiler', () => {
    const output = 'packages/a/test/b.test-d.ts(12,5): error TS2344: no\n  more\nerror TS5083: no file\n';
    expect(errorsIn(output)).toEqual([{ file: 'packages/a/test/b.test-d.ts', line: 12 }]);
  });
});

describe('what is out of date', () => {
  it('is told by contents and names', () => {
    write('src/a.ts', '1');
    const before = hashOf([join(folder, 'src')]);
    write('src/a.ts', '1');
    expect(hashOf([join(folder, 'src')])).toBe(before);
    write('src/a.ts', '2');
    const changed = hashOf([join(folder, 'src')]);
    expect(changed).not.toBe(before);
    write('src/b.ts', '');
    expect(hashOf([join(folder, 'src')])).not.toBe(changed);
  });

  it('does not look into what was built or installed', () => {
    for (const path of ['a.ts', 'dist/a.js', 'node_modules/x/index.js', 'data/t.db']) write(path, '');
    expect(filesUnder([folder])).toEqual([join(folder, 'a.ts')]);
    expect(filesUnder([join(folder, 'none')])).toEqual([]);
  });
});

describe('what is installed', () => {
  const lock = (packages: object) => JSON.stringify({ packages });
  const one = { 'node_modules/x': { version: '1.0.0', integrity: 'sha512-x' } };

  it('is what the lockfile names', () => {
    write('package-lock.json', lock({ '': {}, ...one, 'node_modules/mac': { version: '1.0.0', optional: true } }));
    expect(isInstalled(folder)).toBe(false);
    write('node_modules/.package-lock.json', lock(one));
    expect(isInstalled(folder)).toBe(true);
  });

  it('is out of date when a version differs or a package is new', () => {
    write('node_modules/.package-lock.json', lock(one));
    write('package-lock.json', lock({ 'node_modules/x': { version: '1.0.1', integrity: 'sha512-y' } }));
    expect(isInstalled(folder)).toBe(false);
    write('package-lock.json', lock({ ...one, 'node_modules/y': { version: '1.0.0' } }));
    expect(isInstalled(folder)).toBe(false);
  });
});

describe('Chromium for the browser tests', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is the one that CHROMIUM_PATH names', async () => {
    vi.stubEnv('CHROMIUM_PATH', join(folder, 'chromium'));
    expect(await ensureChromium()).toContain('does not exist');
    write('chromium', '');
    expect(await ensureChromium()).toBeNull();
  });

  it('is asked for in one line where it cannot be installed', async () => {
    vi.stubEnv('CHROMIUM_PATH', undefined);
    vi.stubEnv('PATH', folder);
    expect(await ensureChromium()).toBe(
      'The browser tests need Chromium: apt-get install chromium, or set CHROMIUM_PATH',
    );
    write('chromium', '');
    expect(await ensureChromium()).toBeNull();
    expect(process.env.CHROMIUM_PATH).toBe(join(folder, 'chromium'));
  });
});

describe('Python', () => {
  it('is asked for in one line where it cannot be installed', async () => {
    vi.stubEnv('PATH', folder);
    expect(await ensurePython('the pages')).toBe('Python 3 is missing, for the pages: apt-get install python3');
    write('python3', '');
    expect(await ensurePython('the pages')).toBeNull();
  });
});

describe('the arguments of npm test', () => {
  const test = (...given: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/test.mjs'), ...given], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  it('--help names the suites', () => {
    const { status, stdout, stderr } = test('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const name of ['lint', 'types', 'unit', 'crash', 'browser', 'interop', 'packed']) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
  });

  it('what is no option, and what is no suite, is said without a stack', () => {
    for (const given of [['--onyl', 'unit'], ['unit'], ['--only', 'units']]) {
      const { status, stdout, stderr } = test(...given);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain('unit');
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});
