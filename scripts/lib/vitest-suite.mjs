// One run of Vitest as a suite: its own words on the screen, its counts from its JSON report.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, TOOLS } from './paths.mjs';
import { failure, resultOf } from './result.mjs';
import { runNode } from './run.mjs';
import { skipProblems } from './skips.mjs';

/** Runs a Vitest configuration. One that is missing, runs no test, or ends badly without a failed test counts as failed. */
export async function vitestSuite(suite, config) {
  if (!existsSync(join(ROOT, config))) return failure(`${config} does not exist`);
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-test-'));
  try {
    const json = join(folder, 'report.json');
    const outside = join(folder, 'errors.json');
    const { code } = await runNode(
      TOOLS.vitest,
      [
        'run',
        ...['--root', ROOT, '--config', join(ROOT, config)],
        ...['--reporter=default', '--reporter=json', `--outputFile.json=${json}`],
        `--reporter=${join(ROOT, 'scripts/lib/errors-reporter.mjs')}`,
      ],
      { env: { TRUNKLINE_ERRORS_FILE: outside } },
    );
    if (!existsSync(json)) return failure(`Vitest ended with exit code ${code} and without a report`);
    const errors = existsSync(outside) ? JSON.parse(readFileSync(outside, 'utf8')) : [];
    return judgeReport(suite, JSON.parse(readFileSync(json, 'utf8')), code, errors);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Counts and problems of a JSON report, and of the errors outside the tests. */
export function judgeReport(suite, report, code, errors = []) {
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({
      name: `${relative(ROOT, file.name)} > ${[...test.ancestorTitles, test.title].join(' > ')}`,
      status: test.status,
    })),
  );
  const named = (status) => tests.filter((test) => test.status === status).map((test) => test.name);
  const failed = named('failed');
  const problems = failed.map((name) => `failed: ${name}`);
  for (const file of report.testResults) {
    // A file that could not even be loaded has a message and no failed test.
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      problems.push(`failed: ${relative(ROOT, file.name)}: ${(file.message ?? '').split('\n')[0]}`);
    }
  }
  const passed = named('passed');
  const skipped = tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.name);
  problems.push(...skipProblems(suite, { all: tests.map((test) => test.name), skipped }));
  if (tests.length === 0) problems.push('no tests ran');
  problems.push(...errors.map((error) => `outside the tests: ${error}`));
  if (code !== 0 && problems.length === 0) problems.push(`Vitest ended with exit code ${code} and named no reason`);
  return resultOf(passed.length, skipped.length, problems);
}
