// What stands beside a log and is read by polling: a whole answer at a time, told as the table that a subscription would have brought.

import type { LogHost } from './polled-log.js';
import { refusalOf } from './requests.js';

type Rows = Readonly<Record<string, object>>;

/** Where a table is read over HTTP, and its rows in the answer. */
interface Place {
  readonly path: string;
  readonly rowsOf: (body: unknown) => Rows;
}

/** History of its own: no server knows it, and nothing is resumed. */
const EPOCH = 'polled';

/** The place of a stream that is such a table; `undefined`: it has none. */
export function placeOf(stream: string): Place | undefined {
  if (stream === ':unread') {
    return { path: '/v1/users/me/unread', rowsOf: (body) => (body as { logs: Rows }).logs };
  }
  const [, log, part] = /^([^:]+):(presence|markers)$/.exec(stream) ?? [];
  if (log === undefined) return undefined;
  return { path: `/v1/channels/${log}/${part}`, rowsOf: part === 'presence' ? presenceRows : markerRows };
}

export class PolledTable {
  #to = 0;
  /** What was told: rows as text, by key. */
  #rows = new Map<string, string>();
  #etag = '';
  #isOpen = false;

  constructor(
    private readonly host: LogHost,
    readonly ch: number,
    private readonly place: Place,
  ) {}

  /** Answers the subscribe. Whether there is something to poll. Rejects as `Requests.send` does. */
  async open({ id }: { readonly id: number }): Promise<boolean> {
    const answer = await this.host.requests.send({ path: this.place.path });
    if (this.host.isOver(answer)) return false;
    if (answer.status !== 200) {
      this.host.tell({ type: 'error', id, ...refusalOf(answer) });
      return false;
    }
    this.host.tell({ type: 'ok', id, ch: this.ch, kind: 'table', epoch: EPOCH, head: 1, floor: 0, from: 0 });
    this.#isOpen = true;
    this.#etag = answer.etag;
    this.#tell(answer.body);
    this.host.tell({ type: 'synced', ch: this.ch, to: this.#to });
    return true;
  }

  /** Nothing further is told. */
  close(): void {
    this.#isOpen = false;
  }

  /** Asks whether it is another one now, and tells it. Rejects as `Requests.send` does. */
  async poll(): Promise<void> {
    if (!this.#isOpen) return;
    const answer = await this.host.requests.send({
      path: this.place.path,
      headers: this.#etag === '' ? {} : { 'if-none-match': this.#etag },
    });
    if (this.host.isOver(answer) || !this.#isOpen || answer.status === 304) return;
    if (answer.status !== 200) throw new Error(refusalOf(answer).message);
    this.#etag = answer.etag;
    this.#tell(answer.body);
  }

  /** The rows that are other ones now. */
  #tell(body: unknown): void {
    const rows = new Map(Object.entries(this.place.rowsOf(body)).map(([key, row]) => [key, JSON.stringify(row)]));
    const changed = [...rows].filter(([key, text]) => this.#rows.get(key) !== text);
    const gone = [...this.#rows.keys()].filter((key) => !rows.has(key));
    const isFirst = this.#to === 0;
    this.#rows = rows;
    if (changed.length + gone.length === 0 && !isFirst) return;
    const from = this.#to;
    this.#to += 1;
    this.host.tell({
      type: 'rows',
      ch: this.ch,
      from,
      to: this.#to,
      ...(isFirst ? { epoch: EPOCH, reset: true } : {}),
      set: Object.fromEntries(changed.map(([key, text]) => [key, JSON.parse(text)])),
      delete: gone,
    });
  }
}

interface Person {
  readonly user: { readonly id: string };
}

function presenceRows(body: unknown): Rows {
  const { people, count } = body as { people: readonly Person[]; count: number };
  return { ...Object.fromEntries(people.map((one) => [`user/${one.user.id}`, one])), summary: { count } };
}

function markerRows(body: unknown): Rows {
  const { readers } = body as { readers: readonly { readonly id: string }[] };
  return Object.fromEntries(readers.map(({ id, ...reader }) => [id, reader]));
}
