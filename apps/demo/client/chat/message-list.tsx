// The messages: a virtual list that begins at its end. Older pages come while scrolling up and leave what is being read where it is;
// new messages follow only a reader who is at the end.

import { useVirtualizer, type VirtualItem, type Virtualizer } from '@tanstack/react-virtual';
import { type ReactElement, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Icon } from '../shell/icons.js';
import type { ChatView } from './conversation.js';
import { Message, type MessageProps } from './message.js';
import styles from './message-list.module.css';
import { NoMessages } from './no-messages.js';
import { isSameDay } from './times.js';

interface MessageListProps {
  readonly view: ChatView;
  readonly room: string;
  /** Id of the guest whose messages are one's own. */
  readonly selfId: string | undefined;
  readonly selfName: string;
  /** Filled with a function that scrolls to the end, as sending a message does. */
  readonly toEnd: RefObject<() => void>;
}

type MessageVirtualizer = Virtualizer<HTMLDivElement, Element>;

/** Height of what stands above the oldest message, in pixels: the list begins below it. */
const TOP_PX = 48;
/** So near to the end counts as at the end. */
const END_PX = 48;
/** So near to the oldest message the next older page is asked for. */
const OLDER_PX = 600;
const CONTINUED_MS = 5 * 60_000;
// Many more than a screenful: "find in page" and a screen reader's own cursor go far without meeting the edge of what is drawn.
const OVERSCAN = 120;

export function MessageList(props: MessageListProps): ReactElement {
  const { view, room } = props;
  const { entries, pending } = view;
  const count = entries.length + pending.length;
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => itemAt(view, index)?.key ?? index,
    estimateSize: () => 56,
    overscan: OVERSCAN,
    scrollMargin: TOP_PX,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: END_PX,
  });
  virtualizer.shouldAdjustScrollPositionOnItemSizeChange = changesAbove;
  const [atEnd, setAtEnd] = useState(true);
  const following = useRef(true);
  const lastTop = useRef(0);
  const fresh = useFresh(view, atEnd);
  const { live, ready } = useLiveRegion(view, atEnd);
  const loadOlder = useOlder(view);

  const toEnd = useCallback(() => {
    following.current = true;
    virtualizer.scrollToEnd();
  }, [virtualizer]);
  useEffect(() => {
    props.toEnd.current = toEnd;
  }, [props.toEnd, toEnd]);

  const look = useCallback(() => {
    const element = scroller.current;
    // Until the first page has its true heights, it moves by itself.
    if (element === null || !ready) return;
    const { scrollHeight, scrollTop, clientHeight } = element;
    const isNearEnd = scrollHeight - scrollTop - clientHeight <= END_PX;
    // Only a reader leaves the end, by going up: a message that turns out higher than it was taken for moves the end away too.
    following.current = isNearEnd || (following.current && scrollTop >= lastTop.current);
    lastTop.current = scrollTop;
    setAtEnd(following.current);
    // At the end nobody looks for older ones, unless that is the beginning too.
    if (scrollTop < OLDER_PX && (!following.current || scrollHeight <= clientHeight)) loadOlder.auto();
  }, [loadOlder, ready]);
  // Also after each change: a page may be too short to scroll.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is looked at depends on the count
  useEffect(() => {
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, [look, count]);
  useKeptEnd(scroller, following, toEnd, virtualizer.getTotalSize());

  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.scroller}
        role="log"
        aria-label={`Messages in ${room}`}
        aria-live={live}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={look}
      >
        {count === 0 ? (
          <NoMessages state={view.state} />
        ) : (
          <>
            <div className={styles.top} style={{ height: TOP_PX }}>
              <Top view={view} room={room} problem={loadOlder.problem} onLoad={loadOlder.now} />
            </div>
            {/* biome-ignore lint/a11y/noRedundantRoles: without its bullets Safari takes a list for none */}
            <ol role="list" className={styles.list} style={{ height: virtualizer.getTotalSize() }}>
              {virtualizer.getVirtualItems().map((item) => (
                <li
                  key={item.key}
                  ref={virtualizer.measureElement}
                  data-index={item.index}
                  className={styles.item}
                  style={{ transform: `translateY(${item.start - TOP_PX}px)` }}
                  aria-posinset={item.index + 1}
                  aria-setsize={view.hasOlder ? -1 : count}
                >
                  <Message {...messageProps(props, item.index)} />
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
      {!atEnd && fresh > 0 && (
        <div className={styles.fresh} role="status">
          <button className="button primary" type="button" onClick={toEnd}>
            <Icon name="arrowDown" /> {fresh === 1 ? '1 new message' : `${fresh.toLocaleString('en')} new messages`}
          </button>
        </div>
      )}
    </div>
  );
}

interface TopProps {
  readonly view: ChatView;
  readonly room: string;
  readonly problem: string | undefined;
  readonly onLoad: () => void;
}

/** What stands above the oldest message that is there. */
function Top({ view, room, problem, onLoad }: TopProps): ReactElement | null {
  if (view.entries.length === 0) return null;
  if (problem !== undefined) {
    return (
      <>
        <span className={styles.problem}>Older messages did not come: {problem}</span>
        <button className="button small" type="button" onClick={onLoad}>
          Retry
        </button>
      </>
    );
  }
  if (view.loadingOlder) return <span>Loading older messages</span>;
  if (!view.hasOlder) return <span>This is the beginning of {room}.</span>;
  return (
    <button className="button small quiet" type="button" onClick={onLoad}>
      Load older messages
    </button>
  );
}

/**
 * Whether the place in view must move with a message whose height has changed: if that is above it. The library's own rule leaves out
 * scrolling up, but then the oldest message loses its name as an older one of the same author comes above it.
 */
function changesAbove(item: VirtualItem, _delta: number, { scrollOffset, itemSizeCache }: MessageVirtualizer): boolean {
  const top = scrollOffset ?? 0;
  return itemSizeCache.has(item.key) ? item.end <= top : item.start < top;
}

function itemAt(view: ChatView, index: number) {
  return view.entries[index] ?? view.pending[index - view.entries.length];
}

function messageProps({ view, selfId, selfName }: MessageListProps, index: number): MessageProps {
  const entry = view.entries[index];
  const before = view.entries[index - 1];
  if (entry === undefined) {
    const waiting = view.pending[index - view.entries.length];
    const last = view.entries.at(-1);
    const follows = index > view.entries.length || (last !== undefined && last.user?.id === selfId);
    return {
      author: selfName,
      text: waiting?.data.text ?? '',
      at: undefined,
      own: true,
      continued: follows,
      newDay: false,
      newestOwn: false,
      state: waiting?.state ?? 'sending',
      problem: waiting?.error?.message,
      retry: waiting?.retry,
      discard: waiting?.discard,
    };
  }
  const newDay = before === undefined ? !view.hasOlder : !isSameDay(before.at, entry.at);
  const close = before !== undefined && before.user?.id === entry.user?.id && entry.at - before.at < CONTINUED_MS;
  const own = entry.user !== undefined && entry.user.id === selfId;
  return {
    author: entry.user?.name ?? 'Trunkline',
    text: entry.data.text,
    at: entry.at,
    own,
    continued: close && !newDay && before.user?.name === entry.user?.name,
    newDay,
    newestOwn: own && index === view.entries.length - 1,
    state: 'stored',
    problem: undefined,
  };
}

/** How many messages came since the reader was last at the end. */
function useFresh({ entries }: ChatView, atEnd: boolean): number {
  const newest = entries.at(-1)?.offset ?? 0;
  const [seen, setSeen] = useState(newest);
  if (atEnd && seen !== newest) setSeen(newest);
  if (atEnd) return 0;
  const index = entries.findLastIndex((entry) => entry.offset <= seen);
  return entries.length - 1 - index;
}

/**
 * What a screen reader hears of the list: what is added at its end while the reader is there. Older pages, the first page, and what
 * scrolling draws are additions to the document too, so the region is silent while they are made. `ready`: the first page is there and drawn.
 */
function useLiveRegion(
  { entries, state, loadingOlder }: ChatView,
  atEnd: boolean,
): { readonly live: 'polite' | 'off'; readonly ready: boolean } {
  const first = entries[0]?.offset;
  const [settled, setSettled] = useState<{ first: number | undefined; live: boolean }>({
    first: undefined,
    live: false,
  });
  const isSettled = settled.live && (settled.first === first || settled.first === undefined);
  useEffect(() => {
    if (state !== 'live') return;
    // Two frames: the additions of this render are drawn and past before the next ones are heard.
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => setSettled({ first, live: true }));
    });
    return () => cancelAnimationFrame(frame);
  }, [first, state]);
  return { live: isSettled && atEnd && !loadingOlder ? 'polite' : 'off', ready: settled.live };
}

interface Older {
  readonly problem: string | undefined;
  /** Loads unless the last attempt failed. */
  readonly auto: () => void;
  readonly now: () => void;
}

function useOlder({ hasOlder, loadingOlder, loadOlder }: ChatView): Older {
  const [problem, setProblem] = useState<string>();
  const now = useCallback(() => {
    setProblem(undefined);
    loadOlder().catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, [loadOlder]);
  const wanted = hasOlder && !loadingOlder && problem === undefined;
  const auto = useCallback(() => {
    if (wanted) now();
  }, [now, wanted]);
  return { problem, auto, now };
}

/**
 * Begins at the end, and stays there while messages turn out higher than they were taken for, and when the list's own height
 * changes: a keyboard that opens, a composer that grows.
 */
function useKeptEnd(
  scroller: RefObject<HTMLDivElement | null>,
  following: RefObject<boolean>,
  toEnd: () => void,
  totalSize: number,
): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the size
  useLayoutEffect(() => {
    if (following.current) toEnd();
  }, [toEnd, totalSize]);
  useEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    const observer = new ResizeObserver(() => {
      if (following.current) toEnd();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [scroller, following, toEnd]);
}
