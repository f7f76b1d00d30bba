// A SQLite broker in a folder of its own, as the contract suite wants it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrokerWorld } from '@trunkline/broker/contract';
import { type SqliteBroker, sqliteBroker } from '../src/index.js';

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'trunkline-sqlite-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function sqliteWorld(): BrokerWorld {
  const folder = temporaryFolder();
  const path = join(folder.path, 'data', 'trunkline.db');
  let now = 1_700_000_000_000;
  const open = (): SqliteBroker => sqliteBroker(path, { nowMs: () => now });
  let broker = open();
  return {
    broker,
    reopen: async () => {
      await broker.close();
      broker = open();
      return broker;
    },
    advanceMs: (ms) => {
      now += ms;
    },
    settle: () => broker.sweep(),
    close: async () => {
      await broker.close();
      folder.remove();
    },
  };
}
