// The demo's feeds: a program that writes weather and sports through the HTTP API, as a back end in any language would. It is kept running
// here, and pages are told how it is.

import { randomBytes } from 'node:crypto';
import type { ApiKeys } from '@trunkline/server';
import { startGenerator } from './python.js';
import type { GeneratorState } from './rows.js';
import { Supervisor, type SupervisorState } from './supervisor.js';

/** The row of the generator in the table `feeds`. */
export const GENERATOR = 'generator';
const CHANNELS = ['weather', 'matches', 'ticker'];
const WRITES_PER_SECOND = 200;

export interface FeedsOptions {
  /** Whether the server runs the generator itself. */
  readonly isOn: boolean;
  /** Default: a random one, which nobody else gets to know. */
  readonly apiKey: string | undefined;
}

export class Feeds {
  readonly apiKeys: ApiKeys;
  readonly #isOn: boolean;
  readonly #apiKey: string;
  #supervisor: Supervisor | undefined;

  constructor({ isOn, apiKey = randomBytes(32).toString('hex') }: FeedsOptions) {
    this.#isOn = isOn;
    this.#apiKey = apiKey;
    this.apiKeys = { feeds: { secret: apiKey, channels: CHANNELS, ratePerSecond: WRITES_PER_SECOND } };
  }

  /**
   * @param url of the server, which listens by now
   * @param tell stores how the generator is, for pages
   */
  start(url: string, tell: (state: GeneratorState) => Promise<unknown>): void {
    const show = (state: GeneratorState) => {
      tell(state).catch((error: unknown) =>
        console.error('Trunkline demo: the state of the feeds is not told:', error),
      );
    };
    if (!this.#isOn) return show({ state: 'off' });
    const start = () => startGenerator({ url, apiKey: this.#apiKey, onLine: (line) => console.error(line) });
    const supervisor = new Supervisor({
      start,
      clock: { nowMs: () => performance.now(), after: timer },
      onState: (state) => {
        const shown = shownState(state);
        if (shown === null) return;
        if (state.state === 'waiting') {
          console.error(`feeds: the generator ended (${state.problem}); it starts again in ${state.retryMs / 1_000} s`);
        }
        if (state.state === 'missing') console.error('feeds: weather and sports stand still: there is no python3');
        show(shown);
      },
    });
    this.#supervisor = supervisor;
    process.once('exit', this.#kill);
    supervisor.start();
  }

  /** Resolves when the generator has ended. */
  async stop(): Promise<void> {
    await this.#supervisor?.stop();
    process.off('exit', this.#kill);
  }

  readonly #kill = () => this.#supervisor?.kill();
}

function shownState(state: SupervisorState): GeneratorState | null {
  switch (state.state) {
    case 'running':
    case 'missing':
      return { state: state.state };
    case 'waiting':
      return { state: 'waiting', problem: state.problem };
    case 'stopped':
      return null;
  }
}

function timer(ms: number, run: () => void): () => void {
  const handle = setTimeout(run, ms);
  return () => clearTimeout(handle);
}
