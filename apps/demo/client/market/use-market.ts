// What the parts of the page share: the boards, who one is, and how often prices may change.

import { createContext, useContext, useMemo } from 'react';
import { SESSION_KEY, type Session } from '../../shared/market.js';
import { useConnection, useLine, useRow, useTable } from '../trunkline.js';
import type { Listed } from './find-symbols.js';

/** Updates a second that prices are shown at; `undefined`: each. */
export const RateContext = createContext<number | undefined>(undefined);

export function useRate(): number | undefined {
  return useContext(RateContext);
}

export function useQuotes() {
  return useLine().channel.quotes();
}

/** All that is listed, pairs first, each kind by its symbol; and whether that is known yet. */
export function useListings() {
  const { rows, state, error } = useTable(useLine().channel.listings());
  const listed = useMemo((): readonly Listed[] => {
    const all = [...rows].map(([symbol, listing]) => ({ symbol, ...listing }));
    const place = ({ kind, symbol }: Listed) => `${kind === 'pair' ? 0 : 1}${symbol}`;
    return all.sort((one, other) => (place(one) < place(other) ? -1 : 1));
  }, [rows]);
  return { listed, bySymbol: rows, state, error };
}

/** Whether the exchange is open; `undefined` while that is not known. */
export function useSession(): Session | undefined {
  return useRow(useLine().channel.trading(), SESSION_KEY);
}

/** The id of this browser's account; `undefined` until the server has said it. */
export function useAccountId(): string | undefined {
  return useConnection((connection) => connection.user?.id);
}
