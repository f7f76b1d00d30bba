// Which stream a number means. Data messages name their stream by the number that the answer to `subscribe` gave it, and who begins to look
// after an hour sees no subscribe any more: so the names are remembered here, when they are said.

/** Names and questions that are remembered of a connection: as many as it may have subscriptions. */
const NAMES_MAX = 256;

const SUBSCRIBE = '"subscribe"';
const NUMBER = '"ch":';

export class StreamNames {
  /** Streams by the `id` of the subscribe that is not answered yet. */
  readonly #asked = new Map<unknown, string>();

  /** Hears a whole text message, or its beginning. Calls back for each stream that has got its number. */
  hear(direction: 'in' | 'out', text: Uint8Array, name: (ch: number, stream: string) => void): void {
    // Nearly every message ends here: it is searched, and not read.
    const isOf = (word: string) => Buffer.from(text.buffer, text.byteOffset, text.byteLength).includes(word);
    if (direction === 'in' ? !isOf(SUBSCRIBE) : this.#asked.size === 0 || !isOf(NUMBER)) return;
    for (const line of new TextDecoder().decode(text).split('\n')) {
      const message = read(line);
      if (direction === 'in') {
        if (message?.type === 'subscribe' && typeof message.stream === 'string') this.#ask(message.id, message.stream);
        continue;
      }
      const stream = this.#asked.get(message?.id);
      if (stream === undefined || (message?.type !== 'ok' && message?.type !== 'error')) continue;
      this.#asked.delete(message.id);
      if (message.type === 'ok' && typeof message.ch === 'number') name(message.ch, stream);
    }
  }

  #ask(id: unknown, stream: string): void {
    this.#asked.set(id, stream);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > NAMES_MAX) this.#asked.delete(oldest);
  }
}

interface Named {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly ch?: unknown;
  readonly stream?: unknown;
}

function read(line: string): Named | null {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' ? message : null;
  } catch {
    return null;
  }
}
