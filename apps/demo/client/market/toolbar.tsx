// What is said about all prices: how often they may change, how old they may be, and whether the exchange is open.

import { type ReactElement, useEffect, useId, useState } from 'react';
import { useConnection, useLine } from '../trunkline.js';
import styles from './toolbar.module.css';
import { useQuotes, useSession } from './use-market.js';
import { age } from './words.js';

/** Updates a second; the last one is each. */
export const RATES = [1, 2, 4, 8, undefined] as const;

export function RateSlider({ step, onStep }: { step: number; onStep: (step: number) => void }): ReactElement {
  const id = useId();
  const words = rateWords(RATES[step]);
  return (
    <div className={styles.rate}>
      <label htmlFor={id}>Updates per second</label>
      <input
        id={id}
        className={styles.slider}
        type="range"
        min={0}
        max={RATES.length - 1}
        step={1}
        value={step}
        aria-valuetext={words}
        onChange={(event) => onStep(Number(event.target.value))}
      />
      <output className={styles.value} htmlFor={id}>
        {words}
      </output>
    </div>
  );
}

function rateWords(rate: number | undefined): string {
  return rate === undefined ? 'unlimited' : `${rate}`;
}

/** How old what is shown may be, by what the client itself can vouch for. */
export function Staleness(): ReactElement {
  const quotes = useQuotes();
  const [ms, setMs] = useState<number>();
  useEffect(() => {
    const timer = setInterval(() => setMs(quotes.staleMs()), 250);
    return () => clearInterval(timer);
  }, [quotes]);
  return (
    <p
      className={styles.stale}
      title="How old what is shown may be: the time since the server was last heard, and one period of the rate"
    >
      Prices at most <span data-part="stale">{ms === undefined ? '–' : age(ms)}</span> old
    </p>
  );
}

/** Open or halted, with the switch for it. */
export function TradingState(): ReactElement {
  const { call } = useLine();
  const session = useSession();
  const isLive = useConnection(({ state }) => state === 'live');
  const [problem, setProblem] = useState<string>();
  const left = useSecondsUntil(session?.untilMs);
  const isHalted = session?.state === 'halted';

  const press = () => {
    setProblem(undefined);
    const asked = isHalted ? call.resumeTrading({}) : call.haltTrading({});
    asked.catch((error: Error) => setProblem(error.message));
  };
  return (
    <div className={styles.trading}>
      <p className={styles.session} data-session={session?.state ?? 'unknown'}>
        {session === undefined ? 'Asking for the exchange' : isHalted ? 'Trading is halted' : 'Trading is open'}
        {isHalted && left !== undefined && <span className={styles.left}>goes on in {left} s</span>}
      </p>
      <button
        className="button small"
        type="button"
        disabled={session === undefined || !isLive}
        title={isHalted ? undefined : 'Every price stands for a minute, for everyone'}
        onClick={press}
      >
        {isHalted ? 'Resume trading' : 'Halt trading'}
      </button>
      {problem !== undefined && (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

function useSecondsUntil(untilMs: number | undefined): number | undefined {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (untilMs === undefined) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 500);
    return () => clearInterval(timer);
  }, [untilMs]);
  return untilMs === undefined ? undefined : Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
}
