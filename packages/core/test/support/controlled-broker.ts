// A broker whose calls can be counted, held back, and made to fail, before or after they had their effect.

import { type Broker, BrokerUnavailableError, type Runs, type Search } from '@trunkline/broker';
import { GatheredRun } from './gathered-run.js';

type Method =
  | 'append'
  | 'amend'
  | 'tail'
  | 'lookup'
  | 'read'
  | 'readBack'
  | 'seek'
  | 'search'
  | 'watch'
  | 'change'
  | 'readRows'
  | 'readRow'
  | 'expire'
  | 'begin'
  | 'recall'
  | 'finish';
type Fault = 'before' | 'after';

/** Small, so that bursts are cut. */
export const MAX_RUN = 5;

export class ControlledBroker implements Broker, Runs {
  readonly calls: Record<Method, number> = {
    append: 0,
    amend: 0,
    tail: 0,
    lookup: 0,
    read: 0,
    readBack: 0,
    seek: 0,
    search: 0,
    watch: 0,
    change: 0,
    readRows: 0,
    readRow: 0,
    expire: 0,
    begin: 0,
    recall: 0,
    finish: 0,
  };
  /** Methods that fail: `before` they had an effect, or `after` it. */
  readonly faults = new Map<Method, Fault>();
  /** What a failing call rejects with. */
  error: () => Error = () => new BrokerUnavailableError('the test says so');
  watches = 0;
  readonly #gates = new Map<Method, { readonly opened: Promise<void>; readonly from: number }>();

  constructor(private readonly inner: Broker) {}

  /** Calls of `method`, but for the next `pass` of them, wait before their effect until the function that is returned was called. */
  hold(method: Method, pass = 0): () => void {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gates.set(method, { opened, from: this.calls[method] + pass });
    return () => {
      this.#gates.delete(method);
      open();
    };
  }

  readonly append: Broker['append'] = (...args) => this.#call('append', () => this.inner.append(...args));
  beginRun: Runs['beginRun'] = (...args) => new GatheredRun(this.append, ...args, MAX_RUN);
  readonly amend: Broker['amend'] = (...args) => this.#call('amend', () => this.inner.amend(...args));
  readonly tail: Broker['tail'] = (...args) => this.#call('tail', () => this.inner.tail(...args));
  readonly lookup: Broker['lookup'] = (...args) => this.#call('lookup', () => this.inner.lookup(...args));
  readonly read: Broker['read'] = (...args) => this.#call('read', () => this.inner.read(...args));
  readonly readBack: Broker['readBack'] = (...args) => this.#call('readBack', () => this.inner.readBack(...args));
  readonly seek: Broker['seek'] = (...args) => this.#call('seek', () => this.inner.seek(...args));
  readonly search: Search['search'] = (...args) =>
    this.#call('search', () => (this.inner as Broker & Search).search(...args));
  readonly watch: Broker['watch'] = (...args) =>
    this.#call('watch', async () => {
      const watch = await this.inner.watch(...args);
      this.watches += 1;
      let isOpen = true;
      return {
        state: watch.state,
        close: () => {
          if (isOpen) this.watches -= 1;
          isOpen = false;
          watch.close();
        },
      };
    });
  readonly change: Broker['change'] = (...args) => this.#call('change', () => this.inner.change(...args));
  readonly readRows: Broker['readRows'] = (...args) => this.#call('readRows', () => this.inner.readRows(...args));
  readonly readRow: Broker['readRow'] = (...args) => this.#call('readRow', () => this.inner.readRow(...args));
  readonly expire: Broker['expire'] = () => this.#call('expire', () => this.inner.expire());
  readonly begin: Broker['begin'] = (...args) => this.#call('begin', () => this.inner.begin(...args));
  readonly recall: Broker['recall'] = (...args) => this.#call('recall', () => this.inner.recall(...args));
  readonly finish: Broker['finish'] = (...args) => this.#call('finish', () => this.inner.finish(...args));
  readonly remove: Broker['remove'] = (...args) => this.inner.remove(...args);
  readonly lease: Broker['lease'] = (...args) => this.inner.lease(...args);
  readonly close: Broker['close'] = () => this.inner.close();

  async #call<T>(method: Method, run: () => Promise<T>): Promise<T> {
    this.calls[method] += 1;
    const gate = this.#gates.get(method);
    if (gate !== undefined && this.calls[method] > gate.from) await gate.opened;
    if (this.faults.get(method) === 'before') throw this.error();
    const result = await run();
    if (this.faults.get(method) === 'after') throw this.error();
    return result;
  }
}
