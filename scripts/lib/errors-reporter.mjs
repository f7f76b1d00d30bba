// A reporter of Vitest: what went wrong outside the tests (an exception that nobody caught, a worker that died), which
// its JSON report leaves out, goes as JSON to the file that TRUNKLINE_ERRORS_FILE names.

import { writeFileSync } from 'node:fs';

export default class ErrorsReporter {
  onTestRunEnd(_modules, errors) {
    writeFileSync(process.env.TRUNKLINE_ERRORS_FILE, JSON.stringify(errors.map(wordsOf)));
  }
}

/** Kind, file, message, and the places that the stack names first. */
function wordsOf({ type, name, message, stack, VITEST_TEST_PATH, VITEST_TEST_NAME }) {
  const places = String(stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8);
  const during = [VITEST_TEST_PATH, VITEST_TEST_NAME].filter((known) => known !== undefined).join(' > ');
  return [`${type ?? 'error'}${during && ` during ${during}`}: ${name ?? ''}: ${message}`, ...places].join('\n');
}
