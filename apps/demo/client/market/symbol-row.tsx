// One symbol in the list. Its price is a row of `quotes`, its small chart one of `trends`: only what is on the screen is asked for there.

import type { CSSProperties, ReactElement } from 'react';
import { SparkLine } from '../charts/spark-line.js';
import { useLine, useRow } from '../trunkline.js';
import type { Listed } from './find-symbols.js';
import { Price, usePrice } from './price.js';
import { Star } from './star.js';
import styles from './symbol-row.module.css';
import { directionOf, percent } from './words.js';

interface SymbolRowProps {
  readonly listed: Listed;
  /** Its place in the whole list, from 1. */
  readonly index: number;
  readonly isShown: boolean;
  readonly isWatched: boolean;
  readonly onShow: (symbol: string) => void;
  readonly onStar: (symbol: string) => void;
  readonly style: CSSProperties;
}

export function SymbolRow({ listed, index, isShown, isWatched, onShow, onStar, style }: SymbolRowProps): ReactElement {
  const { symbol, name, digits, close } = listed;
  const price = usePrice(symbol);
  const trend = useRow(useLine().channel.trends(), symbol, ({ prices }) => prices);
  const change = price === undefined ? undefined : price / close - 1;
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: rows of a virtual list stand at places of their own, which a table's cannot
    // biome-ignore lint/a11y/useFocusableInteractive: what is pressed in it are its buttons
    <div
      className={styles.row}
      role="row"
      aria-rowindex={index}
      data-symbol={symbol}
      data-shown={isShown}
      style={style}
    >
      <span className={styles.symbol} role="cell">
        <button
          className={styles.show}
          type="button"
          aria-current={isShown}
          title={`Show ${name}`}
          onClick={() => onShow(symbol)}
        >
          <strong>{symbol}</strong> <span className={styles.name}>{name}</span>
        </button>
      </span>
      <span className={styles.trend} role="cell">
        <SparkLine values={trend ?? []} />
      </span>
      <span className={styles.number} role="cell">
        <Price price={price} digits={digits} />
      </span>
      <span className={styles.change} role="cell" data-direction={directionOf(change ?? 0)}>
        {change === undefined ? '–' : percent(change)}
      </span>
      <span className={styles.star} role="cell">
        <button
          className={styles.toggle}
          type="button"
          aria-pressed={isWatched}
          aria-label={`${symbol} on the watch list`}
          title={isWatched ? 'Take it off the watch list' : 'Put it on the watch list'}
          onClick={() => onStar(symbol)}
        >
          <Star filled={isWatched} />
        </button>
      </span>
    </div>
    // biome-ignore-end lint/a11y/useSemanticElements: see above
  );
}
