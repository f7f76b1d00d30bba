// One clock for all processes of a bench: the kernel's, which `performance.now()` counts from another moment in each.

/** Milliseconds since the machine started, to the microsecond. */
export const steadyMs = () => Number(process.hrtime.bigint() / 1_000n) / 1e3;
