// What this browser's account has, and what it is worth now: the rows of its own table, which nobody else may read, times the prices.

import { type ReactElement, useMemo } from 'react';
import { CASH_KEY, type Listing, microsOf, type Position, priceOf, START_CASH_MICROS } from '../../shared/market.js';
import { useLine, useTable } from '../trunkline.js';
import styles from './positions.module.css';
import { useAccountId, useListings, useQuotes, useRate } from './use-market.js';
import { count, directionOfMoney, money, priceText, signedMoney } from './words.js';

interface Held extends Position {
  readonly symbol: string;
  readonly listing: Listing | undefined;
  /** Undefined while the price is not known. */
  readonly valueMicros: number | undefined;
}

export function Positions({ onShow }: { onShow: (symbol: string) => void }): ReactElement {
  const account = useAccountId();
  return (
    <section className={styles.card} aria-labelledby="positions">
      {account === undefined ? (
        <>
          <h2 className={styles.title} id="positions">
            Your account
          </h2>
          <p className={styles.empty}>Your account is shown when the connection is there.</p>
        </>
      ) : (
        <Account account={account} onShow={onShow} />
      )}
    </section>
  );
}

function Account({ account, onShow }: { account: string; onShow: (symbol: string) => void }): ReactElement {
  const { rows, state, error } = useTable(useLine().channel.accounts(account));
  const { bySymbol } = useListings();
  const symbols = useMemo(() => [...rows.keys()].filter((key) => key !== CASH_KEY).sort(), [rows]);
  const prices = useTable(useQuotes(), { keys: symbols, ratePerSecond: useRate() }).rows;

  const cash = rows.get(CASH_KEY);
  const cashMicros = cash !== undefined && 'cashMicros' in cash ? cash.cashMicros : START_CASH_MICROS;
  const held = symbols.flatMap((symbol): Held[] => {
    const row = rows.get(symbol);
    const quote = prices.get(symbol);
    if (row === undefined || !('quantity' in row)) return [];
    const price = quote === undefined ? undefined : priceOf(quote);
    const valueMicros = price === undefined ? undefined : row.quantity * microsOf(price);
    return [{ symbol, ...row, listing: bySymbol.get(symbol), valueMicros }];
  });
  const isValued = held.every(({ valueMicros }) => valueMicros !== undefined);
  const worthMicros = held.reduce((sum, { valueMicros }) => sum + (valueMicros ?? 0), cashMicros);
  const profitMicros = worthMicros - START_CASH_MICROS;
  const isKnown = state === 'live' || rows.size > 0;

  return (
    <>
      <h2 className={styles.title} id="positions">
        Your account
      </h2>
      <dl className={styles.sums}>
        <Sum name="Cash" words={isKnown ? money(cashMicros) : '–'} />
        <Sum name="Worth" words={isKnown && isValued ? money(worthMicros) : '–'} />
        <Sum
          name="Profit"
          words={isKnown && isValued ? signedMoney(profitMicros) : '–'}
          direction={directionOfMoney(isKnown && isValued ? profitMicros : 0)}
        />
      </dl>
      {state === 'refused' && <p className={styles.empty}>The server does not show this account: {error?.message}</p>}
      {state === 'live' && held.length === 0 && (
        <p className={styles.empty}>You hold nothing yet. It is play money: buy something.</p>
      )}
      {held.length > 0 && <HeldTable held={held} onShow={onShow} />}
    </>
  );
}

function Sum({ name, words, direction }: { name: string; words: string; direction?: string }): ReactElement {
  return (
    <div>
      <dt>{name}, USD</dt>
      <dd data-part={name} data-direction={direction}>
        {words}
      </dd>
    </div>
  );
}

function HeldTable({ held, onShow }: { held: readonly Held[]; onShow: (symbol: string) => void }): ReactElement {
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-label="Positions">
        <thead>
          <tr>
            <th scope="col">Symbol</th>
            <th scope="col">Quantity</th>
            <th scope="col" className={styles.wide}>
              Paid, each
            </th>
            <th scope="col">Worth</th>
            <th scope="col">Profit</th>
          </tr>
        </thead>
        <tbody>
          {held.map(({ symbol, quantity, costMicros, listing, valueMicros }) => {
            const profit = valueMicros === undefined ? undefined : valueMicros - costMicros;
            return (
              <tr key={symbol} data-position={symbol}>
                <th scope="row">
                  <button className={styles.symbol} type="button" onClick={() => onShow(symbol)}>
                    {symbol}
                  </button>
                </th>
                <td data-part="quantity">{count(quantity)}</td>
                <td className={styles.wide}>{priceText(costMicros / quantity / 1e6, listing?.digits ?? 2)}</td>
                <td>{valueMicros === undefined ? '–' : money(valueMicros)}</td>
                <td data-part="profit" data-direction={directionOfMoney(profit ?? 0)}>
                  {profit === undefined ? '–' : signedMoney(profit)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
