// What this client changes in one table, until it is answered.

import { TrunklineError } from '@trunkline/protocol';
import type { Link } from './link.js';
import { createQueue, type Queue, type Queued, toJson } from './queue.js';
import { bytesOf } from './requests.js';
import { isChangeOk } from './server-messages.js';
import type { Shared } from './shared.js';
import type { Changed, RowChange, TableWriter } from './table-handle.js';

export interface Changes extends Pick<Queue<Queued>, 'pump' | 'lost'> {
  readonly handle: TableWriter<object>;
}

export function createChanges(shared: Shared, link: Link, stream: string, producer: string): Changes {
  const queue = createQueue<Queued>(shared, link, stream, producer, 'change', () => {});

  const change = (changes: readonly RowChange<object>[]): Promise<Changed> =>
    shared.batch.run(
      () =>
        new Promise((resolve, reject) => {
          const content = contentOf(changes);
          const item: Queued = {
            ...content,
            ...queue.begin(changes.length),
            stored(reply) {
              if (!isChangeOk(reply)) return false;
              resolve({ offset: reply.offset });
              queue.remove(item);
              return true;
            },
            failed(error) {
              reject(error);
              queue.remove(item);
            },
          };
          queue.push(item);
        }),
    );
  return {
    pump: queue.pump,
    lost: queue.lost,
    handle: {
      change,
      set: (key, row, condition) => change([{ ...condition, key, set: row }]),
      patch: (key, fields, options) => change([{ ...options, key, patch: fields }]),
      delete: (key, condition) => change([{ ...condition, key, delete: true }]),
    },
  };
}

/** As members of a `change`. @throws TrunklineError `invalid` */
function contentOf(changes: readonly RowChange<object>[]): Pick<Queued, 'text' | 'largestBytes'> {
  const keys = new Set<string>();
  const parts = new Map<string, [string, unknown][]>();
  let largestBytes = 0;
  for (const { key, ...given } of changes) {
    keys.add(key);
    for (const [part, value] of Object.entries(given)) {
      if (value === undefined) continue;
      largestBytes = Math.max(largestBytes, bytesOf(toJson(value)));
      const values = parts.get(part) ?? [];
      values.push([key, value]);
      parts.set(part, values);
    }
  }
  // What else is wrong the server says; but of two members with one name JSON keeps the last.
  if (keys.size < changes.length || keys.size === 0) throw new TrunklineError('invalid', 'no key, or one twice');
  const content = [...parts].map(([part, values]) => [
    part,
    // Takes a key named __proto__ as data, as JSON does.
    part === 'delete' ? values.map(([key]) => key) : Object.fromEntries(values),
  ]);
  return { text: toJson(Object.fromEntries(content)).slice(1, -1), largestBytes };
}
