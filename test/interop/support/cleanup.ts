// What a test started is stopped after it, the last first.

import { afterEach } from 'vitest';

const stops: (() => unknown)[] = [];

export function onStop(stop: () => unknown): void {
  stops.push(stop);
}

afterEach(async () => {
  while (stops.length > 0) await stops.pop()?.();
});
