// What is found in a log, while somebody types.

import type { FoundEntries, TrunklineError, WithHistory } from '@trunkline/client';
import { useCallback, useEffect, useState } from 'react';

/** How `useSearch` asks. */
export interface SearchHookOptions {
  /** Entries of a page: at most 100. Default 50. */
  readonly limit?: number;
  /** Milliseconds without a new query before one is asked. Default 200. */
  readonly debounceMs?: number;
}

/** What was found, and how to get more of it. */
export interface SearchView<Entry> {
  /** What was found, newest first, of `query`: while another one is pending still that of the one before. */
  readonly results: readonly Entry[];
  /** The query that `results` are of; empty: of none. */
  readonly query: string;
  /** An answer is awaited. */
  readonly pending: boolean;
  /** Why the last one failed. */
  readonly error: TrunklineError | undefined;
  /** There are older ones. */
  readonly more: boolean;
  /** Adds the next page. Does nothing while one is pending, or if there is none. */
  readonly loadMore: () => void;
}

interface State<Entry> extends FoundEntries<Entry> {
  readonly search: unknown;
  readonly query: string;
  readonly pending: boolean;
  readonly error: TrunklineError | undefined;
}

/**
 * `const { results, pending, error, more, loadMore } = useSearch(line.channel.chat('lobby'), query)`. An empty query finds nothing and asks nobody. Answers of
 * queries that are no longer wanted are not shown.
 */
export function useSearch<Entry>(
  { search }: Pick<WithHistory<Entry>, 'search'>,
  query: string,
  { limit = 50, debounceMs = 200 }: SearchHookOptions = {},
): SearchView<Entry> {
  const wanted = query.trim();
  const empty: State<Entry> = { search, query: '', entries: [], more: false, pending: false, error: undefined };
  const [state, setState] = useState(empty);
  // Of another log nothing is shown.
  const shown = state.search === search && wanted !== '' ? state : empty;

  useEffect(() => {
    if (wanted === '') return;
    let isOver = false;
    const timer = setTimeout(() => {
      search(wanted, { limit }).then(
        ({ entries, more }) => {
          if (!isOver) setState({ search, query: wanted, entries, more, pending: false, error: undefined });
        },
        (error: TrunklineError) => {
          if (!isOver) setState({ search, query: wanted, entries: [], more: false, pending: false, error });
        },
      );
    }, debounceMs);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [search, wanted, limit, debounceMs]);

  const last = shown.entries.at(-1) as { readonly offset: number } | undefined;
  const before = shown.more && !shown.pending && shown.query === wanted ? last?.offset : undefined;
  const loadMore = useCallback(() => {
    if (before === undefined) return;
    // Of what was typed meanwhile it is no page.
    const isSame = (now: State<Entry>) =>
      now.search === search && now.query === wanted && (now.entries.at(-1) as typeof last)?.offset === before;
    setState((now) => (isSame(now) ? { ...now, pending: true } : now));
    search(wanted, { limit, before }).then(
      ({ entries, more }) =>
        setState((now) =>
          isSame(now) ? { ...now, entries: [...now.entries, ...entries], more, pending: false, error: undefined } : now,
        ),
      (error: TrunklineError) => setState((now) => (isSame(now) ? { ...now, pending: false, error } : now)),
    );
  }, [search, wanted, limit, before]);

  const pending = wanted !== '' && (shown.pending || shown.query !== wanted);
  return { results: shown.entries, query: shown.query, pending, error: shown.error, more: shown.more, loadMore };
}
