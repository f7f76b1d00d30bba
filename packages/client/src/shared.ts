// What all parts of one line share. Functions over one such object, not classes: a bundler shortens their names.

import type { Batch } from './batch.js';
import type { LineProblem } from './line.js';
import type { Clock } from './ports.js';

export interface Shared {
  readonly batch: Batch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly lingerMs: number;
  readonly maxQueued: number;
  readonly maxEntries: number;
  readonly onProblem: (source: LineProblem['source'], message: string, cause?: unknown) => void;
}
