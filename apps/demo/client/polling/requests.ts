// HTTP requests, one after the other: so that a poll never overtakes the answer to what was sent before it.

export interface Ask {
  readonly method?: string;
  /** Begins with `/v1`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly etag: string;
  /** The answer's JSON; `undefined` if it has none. */
  readonly body: unknown;
}

/** What an answer says when it refuses (docs/HTTP.md). */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
  readonly outcome: string;
  readonly refusal?: string;
  readonly afterMs?: number;
}

export class Requests {
  readonly #origin: string;
  readonly #headers: () => Readonly<Record<string, string>>;
  readonly #abort = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  /** @param origin empty: the page's own. @param headers of every request */
  constructor(origin: string, headers: () => Readonly<Record<string, string>>) {
    this.#origin = origin;
    this.#headers = headers;
  }

  /** Rejects when there is no network, or after `close`. */
  send(ask: Ask): Promise<Answer> {
    const answer = this.#last.then(() => this.#send(ask));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Without an answer, at once, also if the page goes. */
  sendLast({ method = 'GET', path }: Ask): void {
    const { origin, headers } = { origin: this.#origin, headers: this.#headers() };
    fetch(origin + path, { method, headers, keepalive: true }).catch(() => undefined);
  }

  /** Nothing further is sent, and nobody waits any longer. */
  close(): void {
    this.#abort.abort();
  }

  async #send({ method = 'GET', path, body, headers }: Ask): Promise<Answer> {
    const { signal } = this.#abort;
    signal.throwIfAborted();
    const response = await fetch(this.#origin + path, {
      method,
      signal,
      // The conditions are our own, and what the browser would keep is of no use: each answer is new, or 304.
      cache: 'no-store',
      headers: {
        ...this.#headers(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      etag: response.headers.get('etag') ?? '',
      body: text === '' ? undefined : JSON.parse(text),
    };
  }
}

/** Of an answer that is none of 2xx and 304. */
export function refusalOf({ status, body }: Answer): Refusal {
  const { error } = (body ?? {}) as { error?: Refusal };
  return (
    error ?? {
      code: 'unavailable',
      message: `the server answered with ${status}`,
      retry: true,
      outcome: 'unknown',
    }
  );
}
