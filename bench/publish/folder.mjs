// Where the databases of a run lie: on the disk of the temporary folder, or of `BENCH_DATA`; deleted when the process ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function dataFolder() {
  const folder = mkdtempSync(join(process.env.BENCH_DATA ?? tmpdir(), 'trunkline-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
