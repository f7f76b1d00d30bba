// The list of symbols: all 500, or the watch list; a search goes through all. Only what is on the screen is in the document.

import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactElement, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Icon } from '../shell/icons.js';
import { findSymbols, type Listed, meantSymbol } from './find-symbols.js';
import styles from './symbol-list.module.css';
import { SymbolRow } from './symbol-row.js';
import { useListings, useQuotes, useRate } from './use-market.js';
import { useTouch } from './use-touch.js';
import { unwatch, useWatchList, WATCH_MAX, watch } from './watch-list.js';
import { count } from './words.js';

const ROW_PX = 32;
const TOUCH_ROW_PX = 44;

interface SymbolListProps {
  readonly shown: string;
  readonly onShow: (symbol: string) => void;
}

export function SymbolList({ shown, onShow }: SymbolListProps): ReactElement {
  const { listed, bySymbol, state, error } = useListings();
  const watched = useWatchList();
  const [tab, setTab] = useState<'watched' | 'all'>('all');
  const [text, setText] = useState('');
  const [words, setWords] = useState<string>();
  const id = useId();

  const isSearch = text.trim() !== '';
  const rows = useMemo(() => {
    if (isSearch) return findSymbols(listed, text);
    if (tab === 'all') return listed;
    return watched.flatMap((symbol): Listed[] => {
      const listing = bySymbol.get(symbol);
      return listing === undefined ? [] : [{ symbol, ...listing }];
    });
  }, [isSearch, listed, text, tab, watched, bySymbol]);
  useWholeTable(tab === 'all' && !isSearch);

  const star = (symbol: string) => {
    if (watched.includes(symbol)) {
      unwatch(symbol);
      setWords(`${symbol} is off the watch list.`);
    } else if (watch(symbol)) setWords(`${symbol} is on the watch list.`);
    else setWords(`The watch list has ${WATCH_MAX} symbols, which is all it takes: remove one first.`);
  };
  const add = () => {
    const meant = meantSymbol(listed, text);
    const given = text.trim();
    if (given === '') return setWords('Type a symbol or a name first, such as EUR/USD.');
    if (meant === undefined) return setWords(notFoundWords(given, rows.length));
    if (watched.includes(meant.symbol)) setWords(`${meant.symbol} is on the watch list already.`);
    else star(meant.symbol);
    onShow(meant.symbol);
    setText('');
  };

  return (
    <section className={styles.list} aria-label="Symbols">
      <form
        className={styles.search}
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <input
          className={`field ${styles.field}`}
          type="search"
          aria-label="Find a symbol"
          placeholder="Find a symbol"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          enterKeyHint="done"
          value={text}
          aria-describedby={`${id}-words`}
          onChange={(event) => {
            setText(event.target.value);
            setWords(undefined);
          }}
        />
        <button className="button" type="submit" title="Put it on the watch list">
          <Icon name="plus" /> Watch
        </button>
      </form>
      <fieldset className={styles.tabs}>
        <legend className="hidden">Which symbols</legend>
        <Tab isOn={tab === 'all'} onPress={() => setTab('all')} words="All" number={listed.length} />
        <Tab isOn={tab === 'watched'} onPress={() => setTab('watched')} words="Watch list" number={watched.length} />
      </fieldset>
      <p className={styles.words} id={`${id}-words`} role="status">
        {words ?? (isSearch ? foundWords(text.trim(), rows.length) : '')}
      </p>
      {state === 'refused' ? (
        <p className={styles.empty}>The server does not show what is listed: {error?.message}</p>
      ) : rows.length === 0 ? (
        <Nothing isSearch={isSearch} isKnown={listed.length > 0} />
      ) : (
        <Rows rows={rows} shown={shown} watched={watched} onShow={onShow} onStar={star} />
      )}
    </section>
  );
}

/** Follows the whole table, so that rows that come into view have a price already. Without, only the rows in view are asked for. */
function useWholeTable(isWanted: boolean): void {
  const quotes = useQuotes();
  const ratePerSecond = useRate();
  useEffect(() => (isWanted ? quotes.open({ ratePerSecond }) : undefined), [quotes, ratePerSecond, isWanted]);
}

interface TabProps {
  readonly isOn: boolean;
  readonly words: string;
  readonly number: number;
  readonly onPress: () => void;
}

function Tab({ isOn, words, number, onPress }: TabProps): ReactElement {
  return (
    <button className={styles.tab} type="button" aria-pressed={isOn} onClick={onPress}>
      {words} <span className={styles.number}>{number}</span>
    </button>
  );
}

interface RowsProps {
  readonly rows: readonly Listed[];
  readonly shown: string;
  readonly watched: readonly string[];
  readonly onShow: (symbol: string) => void;
  readonly onStar: (symbol: string) => void;
}

function Rows({ rows, shown, watched, onShow, onStar }: RowsProps): ReactElement {
  const scroll = useRef<HTMLDivElement>(null);
  const rowPx = useTouch() ? TOUCH_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => rows[index]?.symbol ?? index,
    overscan: 6,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows are measured anew
  useEffect(() => virtual.measure(), [rowPx, virtual]);
  return (
    <div className={styles.scroll} ref={scroll} data-part="symbols">
      {/* biome-ignore lint/a11y/useSemanticElements: see its rows */}
      <div
        className={styles.rows}
        role="table"
        aria-label="Prices"
        aria-rowcount={rows.length}
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map(({ index, key, size, start }) => {
          const listed = rows[index];
          return listed === undefined ? null : (
            <SymbolRow
              key={key}
              listed={listed}
              index={index + 1}
              isShown={listed.symbol === shown}
              isWatched={watched.includes(listed.symbol)}
              onShow={onShow}
              onStar={onStar}
              style={{ height: size, transform: `translateY(${start}px)` }}
            />
          );
        })}
      </div>
    </div>
  );
}

function Nothing({ isSearch, isKnown }: { isSearch: boolean; isKnown: boolean }): ReactElement {
  if (isSearch) return <p className={styles.empty}>Nothing to show.</p>;
  if (!isKnown) return <p className={`${styles.empty} ${styles.waiting}`}>Asking for what is listed.</p>;
  return (
    <p className={styles.empty}>The watch list is empty. Find a symbol above, or press a star in the list of all.</p>
  );
}

function foundWords(text: string, found: number): string {
  if (found === 0) return notFoundWords(text, 0);
  return found === 1 ? '1 symbol matches.' : `${count(found)} symbols match.`;
}

function notFoundWords(text: string, found: number): string {
  if (found > 1) return `“${text}” could be one of ${count(found)}: type more of it, or press a star.`;
  return `“${text}” is not listed here. Try EUR/USD, AMFO, or a word such as “yen” or “steel”.`;
}
