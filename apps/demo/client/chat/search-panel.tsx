// Finds messages of the room by their words, newest first. Each result leads to its message.

import { type ReactElement, useEffect, useRef, useState } from 'react';
import { Icon } from '../shell/icons.js';
import { useLine, useSearch } from '../trunkline.js';
import { markedWords } from './marked-words.js';
import { indexOf } from './message-props.js';
import { authorOf, excerpt } from './quote.js';
import { type ChatEntry, type ChatView, useRoom } from './room.js';
import styles from './search-panel.module.css';
import { exactTime, relativeTime, useNow } from './times.js';

interface SearchPanelProps {
  readonly view: ChatView;
  readonly onClose: () => void;
}

/** The protocol's bounds of a query. */
const QUERY_CHARACTERS_MAX = 200;
const PAGE = 20;

export function SearchPanel({ view, onClose }: SearchPanelProps): ReactElement {
  const { name, goTo } = useRoom();
  const line = useLine();
  const [query, setQuery] = useState('');
  const found = useSearch(line.channel.chat(name), query, { limit: PAGE });
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  // What was deleted since it was found is not shown any longer.
  const results = found.results.filter((entry) => view.entries[indexOf(view, entry.offset)]?.deletedAt === undefined);
  return (
    // biome-ignore lint/a11y/useSemanticElements: `search` is young, and the role says the same
    <div
      className={styles.panel}
      role="search"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <div className={styles.row}>
        <input
          ref={field}
          className={`field ${styles.field}`}
          aria-label={`Search in ${name}`}
          placeholder={`Search in ${name}`}
          dir="auto"
          maxLength={QUERY_CHARACTERS_MAX}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        <button
          className="button icon quiet"
          type="button"
          aria-label="Close the search"
          title="Close"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </div>
      <p className={styles.words} role="status">
        {wordsOf(query, results.length, found)}
      </p>
      {results.length > 0 && (
        <ul className={styles.results} aria-label="Found messages">
          {results.map((entry) => (
            <li key={entry.offset}>
              <Result entry={entry} query={found.query} onOpen={() => goTo(entry.offset)} />
            </li>
          ))}
          {found.more && (
            <li>
              <button className="button small quiet" type="button" disabled={found.pending} onClick={found.loadMore}>
                Older results
              </button>
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

interface ResultProps {
  readonly entry: ChatEntry;
  readonly query: string;
  readonly onOpen: () => void;
}

function Result({ entry, query, onOpen }: ResultProps): ReactElement {
  const nowMs = useNow();
  return (
    <button className={styles.result} type="button" onClick={onOpen}>
      <span className={styles.head}>
        <bdi className={styles.author}>{authorOf(entry)}</bdi>{' '}
        <time dateTime={new Date(entry.at).toISOString()} title={exactTime(entry.at)}>
          {foundTime(entry.at, nowMs)}
        </time>
      </span>
      <span className={styles.text} dir="auto">
        {markedWords(entry.data?.text ?? excerpt(entry), query).map(({ text, isFound }, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
          isFound ? <mark key={index}>{text}</mark> : text,
        )}
      </span>
    </button>
  );
}

const DAY_MS = 86_400_000;
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** No separator names the day here. */
function foundTime(at: number, nowMs: number): string {
  return nowMs - at < DAY_MS ? relativeTime(at, nowMs) : day.format(at);
}

function wordsOf(
  query: string,
  count: number,
  { pending, error, more }: { pending: boolean; error: Error | undefined; more: boolean },
): string {
  if (query.trim() === '') return 'Words of a message; the last one may be a beginning.';
  if (error !== undefined) return `The search failed: ${error.message}`;
  if (pending && count === 0) return 'Searching';
  if (count === 0) return `Nothing found for “${query.trim()}”.`;
  return `${more ? 'The newest ' : ''}${count} ${count === 1 ? 'message' : 'messages'}`;
}
