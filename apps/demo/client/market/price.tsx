// A price that ticks: its cell flashes for 400 ms in the colour of the direction, and an arrow says the same without colours.

import { type ReactElement, useState } from 'react';
import { priceOf } from '../../shared/market.js';
import { useRow } from '../trunkline.js';
import styles from './price.module.css';
import { useQuotes, useRate } from './use-market.js';
import { priceText } from './words.js';

export function usePrice(symbol: string): number | undefined {
  const ratePerSecond = useRate();
  return useRow(useQuotes(), symbol, priceOf, ratePerSecond === undefined ? {} : { ratePerSecond });
}

export function Price({ price, digits }: { price: number | undefined; digits: number }): ReactElement {
  const [shown, setShown] = useState<{ price: number | undefined; direction: 'up' | 'down' | 'even'; ticks: number }>({
    price,
    direction: 'even',
    ticks: 0,
  });
  // While rendering: React begins anew with it before anything is shown.
  if (price !== shown.price) {
    const known = shown.price !== undefined && price !== undefined;
    const direction = !known ? 'even' : (price ?? 0) > (shown.price ?? 0) ? 'up' : 'down';
    setShown({ price, direction, ticks: known ? shown.ticks + 1 : 0 });
  }
  if (price === undefined) return <span className={styles.unknown}>–</span>;
  return (
    // Another key is another element: so the animation begins again.
    <span key={shown.ticks} className={styles.price} data-direction={shown.direction} data-flash={shown.ticks > 0}>
      <span className={styles.arrow} aria-hidden="true">
        {shown.direction === 'up' ? '▲' : shown.direction === 'down' ? '▼' : ''}
      </span>
      <span data-part="price">{priceText(price, digits)}</span>
    </span>
  );
}
