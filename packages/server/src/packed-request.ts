// What is kept of the request that opened a connection, for as long as it lasts: `refresh` shows it to `authenticate` once more. A
// browser's headers are fifteen strings and a table of names; packed into one string they are a third of that, and hardly anybody looks
// at them twice.

import type { RequestInfo } from './define/trunkline.js';

/** Says nothing about the visitor: they belong to the handshake, which is over. */
const OF_HANDSHAKE = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
]);

export class PackedRequest implements RequestInfo {
  /** `name\nvalue\nname\nvalue`: neither can hold a line break. */
  readonly #packed: string;

  constructor(
    readonly url: string,
    readonly origin: string | undefined,
    readonly address: string,
    headers: Readonly<Record<string, string | undefined>>,
  ) {
    const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !OF_HANDSHAKE.has(name));
    // Through JSON, as joining alone leaves a tree of all the strings that were joined.
    this.#packed = JSON.parse(JSON.stringify(kept.flat().join('\n')));
  }

  /** Made anew each time. */
  get headers(): Readonly<Record<string, string | undefined>> {
    const headers: Record<string, string | undefined> = Object.create(null);
    if (this.#packed === '') return headers;
    const parts = this.#packed.split('\n');
    for (let index = 0; index < parts.length; index += 2) headers[parts[index] ?? ''] = parts[index + 1] ?? '';
    return headers;
  }
}
