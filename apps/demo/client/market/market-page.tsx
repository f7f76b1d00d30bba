// /market: quotes of a simulated exchange, a chart, orders with play money, and what a slow network does to it all.

import { type ReactElement, useCallback, useState } from 'react';
import { clientFor } from '../clients.js';
import { ofBrowser, readStored, store } from '../storage.js';
import { TrunklineProvider } from '../trunkline.js';
import styles from './market-page.module.css';
import { OrderTicket } from './order-ticket.js';
import { Positions } from './positions.js';
import { PriceChart } from './price-chart.js';
import { SlowNetwork } from './slow/slow-network.js';
import { SymbolList } from './symbol-list.js';
import { RATES, RateSlider, Staleness, TradingState } from './toolbar.js';
import { RateContext, useListings } from './use-market.js';

const RATE_KEY = 'trunkline.market.rate';
const SYMBOL_KEY = 'trunkline.market.symbol';

export function MarketPage(): ReactElement {
  return (
    <TrunklineProvider line={clientFor('market').line}>
      <Market />
    </TrunklineProvider>
  );
}

function Market(): ReactElement {
  const [step, setStep] = useKept(RATE_KEY, String(RATES.indexOf(4)));
  const [symbol, setSymbol] = useKept(SYMBOL_KEY, 'EUR/USD');
  const { bySymbol, listed } = useListings();
  // One that was kept from another list.
  const shown = listed.length === 0 || bySymbol.has(symbol) ? symbol : (listed[0]?.symbol ?? symbol);
  const listing = bySymbol.get(shown);
  const stepNumber = Number(step) in RATES ? Number(step) : RATES.length - 1;
  return (
    <RateContext value={RATES[stepNumber]}>
      <div className={styles.place}>
        <div className={styles.page}>
          <div className={styles.bar}>
            <div className={styles.heading}>
              <h1 className={styles.title}>Market</h1>
              <span className={styles.badge}>Simulated exchange</span>
            </div>
            <TradingState />
            <Staleness />
            <RateSlider step={stepNumber} onStep={(next) => setStep(String(next))} />
          </div>
          <div className={styles.list}>
            <SymbolList shown={shown} onShow={setSymbol} />
          </div>
          <div className={styles.chart}>
            <PriceChart key={shown} symbol={shown} listing={listing} />
          </div>
          <div className={styles.order}>
            <OrderTicket symbol={shown} digits={listing?.digits ?? 2} />
          </div>
          <div className={styles.account}>
            <Positions onShow={setSymbol} />
          </div>
          <div className={styles.slow}>
            <SlowNetwork />
          </div>
        </div>
      </div>
    </RateContext>
  );
}

/** A choice that this browser keeps. */
function useKept(key: string, first: string): readonly [string, (value: string) => void] {
  const [value, setValue] = useState(() => readStored(ofBrowser, key) ?? first);
  const keep = useCallback(
    (next: string) => {
      setValue(next);
      store(ofBrowser, key, next);
    },
    [key],
  );
  return [value, keep];
}
