// The large chart: the last minutes as the server knows them, and then each price as it comes.

import { type ReactElement, useCallback, useEffect, useMemo, useState } from 'react';
import { HISTORY_MINUTES, type HistoryMinutes, type Listing } from '../../shared/market.js';
import { type ChartData, type ChartLine, TimeChart } from '../charts/time-chart.js';
import { useConnection, useLine } from '../trunkline.js';
import { Price, usePrice } from './price.js';
import styles from './price-chart.module.css';
import { directionOf, percent, priceText } from './words.js';

const SPANS: Record<HistoryMinutes, string> = { 5: '5 min', 60: '1 hour', 1440: '1 day' };
const LINES: readonly ChartLine[] = [{ label: 'Price', colour: '--accent', filled: true }];
/** Prices that came since the history was asked for; when there are more the oldest points go. */
const POINTS_MAX = 3_000;

interface PriceChartProps {
  readonly symbol: string;
  readonly listing: Listing | undefined;
}

export function PriceChart({ symbol, listing }: PriceChartProps): ReactElement {
  const [minutes, setMinutes] = useState<HistoryMinutes>(5);
  const price = usePrice(symbol);
  const digits = listing?.digits ?? 2;
  const format = useCallback((value: number, decimals = 0) => priceText(value, Math.max(digits, decimals)), [digits]);
  const { data, problem, retry } = useHistory(symbol, minutes, price);
  const change = price === undefined || listing === undefined ? undefined : price / listing.close - 1;
  return (
    <section className={styles.card} aria-labelledby="chart">
      <div className={styles.head}>
        <div className={styles.title}>
          <h2 className={styles.symbol} id="chart">
            {symbol}
          </h2>
          <span className={styles.name}>{listing?.name ?? ''}</span>
        </div>
        <p className={styles.now}>
          <span className={styles.price}>
            <Price price={price} digits={digits} />
          </span>
          <span className={styles.change} data-direction={directionOf(change ?? 0)}>
            {change === undefined ? '' : `${percent(change)} today`}
          </span>
        </p>
        <fieldset className={styles.spans}>
          <legend className="hidden">How far back</legend>
          {HISTORY_MINUTES.map((one) => (
            <button
              key={one}
              className="button small"
              type="button"
              aria-pressed={one === minutes}
              onClick={() => setMinutes(one)}
            >
              {SPANS[one]}
            </button>
          ))}
        </fieldset>
      </div>
      {problem === undefined ? (
        <TimeChart
          label={chartWords(symbol, minutes, data, format)}
          lines={LINES}
          data={data}
          isTime
          format={format}
          heightPx={260}
        />
      ) : (
        <p className={styles.problem} role="alert">
          The chart could not be loaded: {problem}
          <button className="button small" type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
    </section>
  );
}

const NONE: ChartData = [[], []];

interface Past {
  /** Of which symbol and span. */
  readonly of: string;
  readonly times: readonly number[];
  readonly prices: readonly number[];
  /** How far the exchange's clock is ahead of this computer's: points of both stand on one axis. */
  readonly aheadMs: number;
}

/** History, asked for again when the connection was lost, as nobody knows the prices of that time; and after it what has come since. */
function useHistory(symbol: string, minutes: HistoryMinutes, price: number | undefined) {
  const line = useLine();
  const isLive = useConnection(({ state }) => state === 'live');
  const [past, setPast] = useState<Past>();
  const [problem, setProblem] = useState<string>();
  const [tries, setTries] = useState(0);
  const of = `${symbol} ${minutes}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks again
  useEffect(() => {
    if (!isLive) return;
    const abort = new AbortController();
    line.call.priceHistory({ symbol, minutes }, { signal: abort.signal }).then(
      ({ nowMs, fromMs, stepMs, prices }) => {
        const times = prices.map((_, i) => (fromMs + i * stepMs) / 1000);
        setPast({ of, times, prices: [...prices], aheadMs: nowMs - Date.now() });
        setProblem(undefined);
      },
      (error: Error) => {
        if (!abort.signal.aborted) setProblem(error.message);
      },
    );
    return () => abort.abort();
  }, [line, symbol, minutes, of, isLive, tries]);

  useEffect(() => {
    if (price === undefined) return;
    setPast((known) => {
      const last = known?.times.at(-1);
      if (known === undefined || known.of !== of || last === undefined) return known;
      const at = Math.max((Date.now() + known.aheadMs) / 1000, last);
      return {
        ...known,
        times: [...known.times, at].slice(-POINTS_MAX),
        prices: [...known.prices, price].slice(-POINTS_MAX),
      };
    });
  }, [price, of]);

  const data = useMemo((): ChartData => {
    if (past === undefined || past.of !== of) return NONE;
    const first = past.times.findIndex((at) => at >= (past.times.at(-1) ?? 0) - minutes * 60);
    return [past.times.slice(first), past.prices.slice(first)];
  }, [past, of, minutes]);
  return { data, problem, retry: () => setTries(tries + 1) };
}

function chartWords(symbol: string, minutes: HistoryMinutes, [, values]: ChartData, format: (price: number) => string) {
  const prices = (values ?? []).filter((one): one is number => typeof one === 'number');
  const last = prices.at(-1);
  if (last === undefined) return `${symbol}: no prices yet`;
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  return `${symbol}, last ${SPANS[minutes]}: between ${format(low)} and ${format(high)}, now ${format(last)}`;
}
