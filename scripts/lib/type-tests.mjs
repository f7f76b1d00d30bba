// Types as tests: everything compiles, and each test in a *.test-d.ts file passes by compiling.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projects } from './build.mjs';
import { ROOT, TOOLS } from './paths.mjs';
import { resultOf } from './result.mjs';
import { runNode } from './run.mjs';
import { filesUnder } from './stamp.mjs';

const TYPE_TEST = /\.test-d\.tsx?$/;

/** Compiles the packages, then all tests. */
export async function typeTests() {
  const packages = await compile(['-b', ...projects()]);
  const tests = await compile(['-p', join(ROOT, 'tsconfig.test.json')]);
  const { passed, problems } = judgeTypeTests(tests.errors);
  if (!packages.ok) problems.push(`the packages and apps do not compile (${packages.errors.length} errors)`);
  if (!tests.ok && problems.length === 0) problems.push(`the tests do not compile (${tests.errors.length} errors)`);
  return resultOf(passed + Number(packages.ok) + Number(tests.ok), 0, problems);
}

async function compile(args) {
  const { code, output } = await runNode(TOOLS.tsc, [...args, '--pretty', 'false'], { capture: true });
  process.stdout.write(output);
  return { ok: code === 0, errors: errorsIn(output) };
}

function judgeTypeTests(errors) {
  let passed = 0;
  const problems = [];
  for (const file of typeTestFiles()) {
    const name = relative(ROOT, file).replaceAll('\\', '/');
    const lines = errors.filter((error) => error.file === name).map((error) => error.line);
    const judged = judgeFile(readFileSync(file, 'utf8'), lines);
    passed += judged.passed;
    problems.push(...judged.failed.map((test) => `failed: ${name} > ${test}`));
  }
  return { passed, problems };
}

function typeTestFiles() {
  const folders = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => join(ROOT, group, name, 'test')),
  );
  return filesUnder([...folders.filter((folder) => existsSync(folder)), join(ROOT, 'test')]).filter((file) =>
    TYPE_TEST.test(file),
  );
}

/** `file(line,column): error TS…` → file and line. */
export function errorsIn(output) {
  return [...output.matchAll(/^(.+?)\((\d+),\d+\): error TS/gm)].map(([, file, line]) => ({
    file: file.replaceAll('\\', '/'),
    line: Number(line),
  }));
}

/**
 * Which tests of a file hold an error: the one that begins last at or above its line; above the first, all of them.
 * A file without tests is one.
 */
export function judgeFile(text, errorLines) {
  const tests = text
    .split('\n')
    .map((line, index) => ({ line: index + 1, title: /^\s*(?:it|test)\(\s*(['"`])(.*?)\1/.exec(line)?.[2] }))
    .filter((test) => test.title !== undefined);
  if (tests.length === 0) tests.push({ line: 1, title: '(the file)' });
  const failed = new Set();
  for (const line of errorLines) {
    const owner = tests.findLast((test) => test.line <= line);
    for (const test of owner === undefined ? tests : [owner]) failed.add(test.title);
  }
  return { passed: tests.filter((test) => !failed.has(test.title)).length, failed: [...failed] };
}
