// The public protocol by hand (docs/PROTOCOL.md names the rules): one room over a bare WebSocket, which resumes where it was,
// and whose messages are stored once however often they are sent. `@trunkline/client` does all this and more.

/**
 * @typedef {{ offset: number, at: number, user?: unknown, data: { text: string } }} Entry
 * @typedef {{ seq: number, text: string }} Unanswered
 */

const HISTORY = 50;
const BACKOFF_MS_MAX = 10_000;

export class Chat {
  /** @type {WebSocket | null} */
  #socket = null;
  #isWelcome = false;
  #isClosed = false;
  #losses = 0;
  #nextId = 1;
  /** What the server said about when to come back (CON-6). @type {{ afterMs: number, spreadMs: number } | null} */
  #goodbye = null;

  /** Where we are in the room's history (SUB-4, SUB-6). @type {string | null} */
  #epoch = null;
  #cursor = 0;
  /** Server time of the entry at the cursor (SUB-7). @type {number | undefined} */
  #at;
  #ch = -1;

  // 96 random bits (PUB-1): the server knows our messages again by this and their number.
  #producer = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  #seq = 0;
  /** Published and not answered, oldest first. @type {Unanswered[]} */
  #unanswered = [];
  /** Publishes on the wire, by request. @type {Map<number, Unanswered>} */
  #requests = new Map();

  /**
   * @param {object} options
   * @param {string} options.url of the server's `/line`
   * @param {string} options.room
   * @param {string} options.token
   * @param {(entries: readonly Entry[]) => void} options.onEntries
   * @param {(state: string) => void} options.onState in words for people
   * @param {(run: () => void, delayMs: number) => unknown} [options.after] calls later; default `setTimeout`
   */
  constructor({ url, room, token, onEntries, onState, after = setTimeout }) {
    this.url = url;
    this.stream = `chat/${encodeURIComponent(room)}`;
    this.token = token;
    this.onEntries = onEntries;
    this.onState = onState;
    this.after = (/** @type {() => void} */ run, /** @type {number} */ delayMs) => void after(run, delayMs);
    this.#connect();
  }

  /** @param {string} text */
  publish(text) {
    this.#seq++;
    const message = { seq: this.#seq, text };
    this.#unanswered.push(message);
    if (this.#isWelcome) this.#send(this.#publishing(message));
  }

  close() {
    this.#isClosed = true;
    this.#socket?.close(1000);
  }

  #connect() {
    if (this.#isClosed) return;
    this.onState('connecting');
    this.#isWelcome = false;
    this.#requests.clear();
    const socket = new WebSocket(this.url, 'trunkline.v1.json');
    this.#socket = socket;
    socket.onopen = () => {
      const after = this.#epoch === null ? {} : { after: { epoch: this.#epoch, offset: this.#cursor, at: this.#at } };
      // Everything may travel in the first message (CON-1): one round trip until live.
      this.#send(
        { type: 'hello', version: 1, token: this.token, features: [] },
        { type: 'subscribe', id: this.#nextId++, stream: this.stream, last: HISTORY, ...after },
        ...this.#unanswered.map((message) => this.#publishing(message)),
      );
    };
    socket.onmessage = ({ data }) => {
      // One WebSocket message holds one or more objects (TRA-3).
      for (const line of data.split('\n')) this.#receive(JSON.parse(line));
    };
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  /** @param {Unanswered} message */
  #publishing(message) {
    const id = this.#nextId++;
    this.#requests.set(id, message);
    const { seq, text } = message;
    return { type: 'publish', id, stream: this.stream, producer: this.#producer, seq, data: { text } };
  }

  /** @param {object[]} messages */
  #send(...messages) {
    this.#socket?.send(messages.map((message) => JSON.stringify(message)).join('\n'));
  }

  /** @param {any} message what the server sent; fields and types this page does not know are ignored */
  #receive(message) {
    switch (message.type) {
      case 'welcome':
        this.#isWelcome = true;
        this.#losses = 0;
        break;
      case 'ping':
        this.#send({ type: 'pong', id: message.id });
        break;
      case 'ok':
        if (message.ch !== undefined) this.#subscribed(message);
        else this.#answered(message.id);
        break;
      case 'entries':
        if (message.ch === this.#ch) this.#slice(message);
        break;
      case 'synced':
        this.onState('live');
        break;
      case 'gap':
        this.onState(`messages are missing (${message.reason})`);
        this.#epoch = message.epoch;
        this.#cursor = message.to;
        this.#at = undefined;
        break;
      case 'error':
        this.#refused(message);
        break;
      case 'goodbye':
        this.#goodbye = { afterMs: message.afterMs ?? 0, spreadMs: message.spreadMs ?? 0 };
        break;
    }
  }

  /** @param {{ ch: number, epoch: string | null, from: number }} ok SUB-3 */
  #subscribed({ ch, epoch, from }) {
    this.#ch = ch;
    if (this.#epoch !== null) return;
    this.#epoch = epoch;
    this.#cursor = from;
  }

  /** @param {{ from: number, to: number, epoch?: string, items: Entry[] }} slice SUB-4 */
  #slice({ from, to, epoch, items }) {
    if (from > this.#cursor) {
      // Something is missing: ask again from where we are.
      this.#socket?.close(4000, 'a slice is missing');
      return;
    }
    const fresh = items.filter(({ offset }) => offset > this.#cursor);
    if (epoch !== undefined) this.#epoch = epoch;
    this.#cursor = Math.max(this.#cursor, to);
    this.#at = items.at(-1)?.at ?? this.#at;
    if (fresh.length > 0) this.onEntries(fresh);
  }

  /** @param {number} id of a publish that is over */
  #answered(id) {
    const message = this.#requests.get(id);
    this.#requests.delete(id);
    this.#unanswered = this.#unanswered.filter((other) => other !== message);
  }

  /** @param {{ id?: number, message: string, retry: boolean, afterMs?: number }} error REQ-4 */
  #refused({ id, message, retry, afterMs }) {
    this.onState(message);
    if (id === undefined || !this.#requests.has(id)) return;
    if (!retry) {
      this.#answered(id);
      return;
    }
    // Those behind it are refused likewise, until it comes again (PUB-4): all that wait go again once, in order.
    this.#requests.delete(id);
    if (this.#requests.size > 0) return;
    this.after(() => {
      if (this.#isWelcome) this.#send(...this.#unanswered.map((waiting) => this.#publishing(waiting)));
    }, afterMs ?? 1_000);
  }

  /** The range of a close code says whether to come back (CON-7). @param {number} code @param {string} reason */
  #lost(code, reason) {
    this.#isWelcome = false;
    if (this.#isClosed || code === 1008 || code === 1010 || code >= 4500) {
      this.onState(this.#isClosed ? 'closed' : `refused: ${reason || code}`);
      return;
    }
    const { afterMs, spreadMs } = this.#goodbye ?? {
      afterMs: 0,
      spreadMs: Math.min(500 * 2 ** this.#losses, BACKOFF_MS_MAX),
    };
    this.#goodbye = null;
    this.#losses++;
    this.onState('connection lost, trying again');
    this.after(() => this.#connect(), afterMs + Math.random() * spreadMs);
  }
}
