// What a suite answers: counts, and a line for each thing that went wrong. Every problem counts as one failure.

export function resultOf(passed, skipped, problems) {
  return { passed, failed: problems.length, skipped, problems };
}

/** A suite that could not run. */
export function failure(problem) {
  return resultOf(0, 0, [problem]);
}
