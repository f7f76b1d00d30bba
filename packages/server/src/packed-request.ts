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

/** Texts that are shared by equal ones: visitors with the same browser and no cookie say the same. */
const MAX_SHARED = 256;
/** In characters, each. */
const MAX_SHARED_LENGTH = 4_096;
const shared = new Map<string, string>();

export class PackedRequest implements RequestInfo {
  readonly url: string;
  readonly address: string;
  /** `name\nvalue\nname\nvalue`: neither can hold a line break. */
  readonly #packed: string;

  constructor(
    url: string,
    readonly origin: string | undefined,
    address: string,
    headers: Readonly<Record<string, string | undefined>>,
  ) {
    this.url = sharedText(url);
    this.address = sharedText(address);
    const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !OF_HANDSHAKE.has(name));
    // Through JSON, as joining alone leaves a tree of all the strings that were joined.
    this.#packed = sharedText(JSON.parse(JSON.stringify(kept.flat().join('\n'))));
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

/** An equal text, which others may hold already. */
function sharedText(text: string): string {
  const known = shared.get(text);
  if (known !== undefined || text.length > MAX_SHARED_LENGTH) return known ?? text;
  // All at once: whoever is still here holds theirs, and the next ones share again.
  if (shared.size >= MAX_SHARED) shared.clear();
  shared.set(text, text);
  return text;
}
