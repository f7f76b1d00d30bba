// The messages: a virtual list that begins at its end. Older pages come while scrolling up and leave what is being read where it is;
// new messages follow only a reader who is at the end. The arrow keys go from message to message.

import { useVirtualizer, type VirtualItem, type Virtualizer } from '@tanstack/react-virtual';
import { type ReactElement, type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { useLocation } from '../router.js';
import { Icon } from '../shell/icons.js';
import { ListTop } from './list-top.js';
import { Message } from './message.js';
import styles from './message-list.module.css';
import { itemAt, messageProps } from './message-props.js';
import { NoMessages } from './no-messages.js';
import { type ChatView, useRoom } from './room.js';
import type { Way } from './rooms.js';
import { useActive } from './use-active.js';
import { useFresh, useKeptEnd } from './use-kept-end.js';
import { useLiveRegion } from './use-live-region.js';
import { useOlder } from './use-older.js';
import { useReading } from './use-reading.js';
import { useTarget } from './use-target.js';

interface MessageListProps {
  readonly view: ChatView;
  readonly way: Way;
  readonly selfName: string;
  /** Filled with functions that scroll: to the end, as sending a message does, and to a message. */
  readonly scroll: RefObject<Scroll>;
  /** Whether the address may name a message to begin with. */
  readonly isPage: boolean;
}

export interface Scroll {
  readonly toEnd: () => void;
  readonly goTo: (offset: number) => void;
}

type MessageVirtualizer = Virtualizer<HTMLDivElement, Element>;

/** Height of what stands above the oldest message, in pixels: the list begins below it. */
const TOP_PX = 48;
/** So near to the end counts as at the end. */
const END_PX = 48;
/** So near to the oldest message the next older page is asked for. */
const OLDER_PX = 600;
// Many more than a screenful: "find in page" and a screen reader's own cursor go far without meeting the edge of what is drawn.
const OVERSCAN = 120;

export function MessageList({ view, way, selfName, scroll, isPage }: MessageListProps): ReactElement {
  const room = useRoom();
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
  const reading = useReading({ room: room.name, way, view, selfId: room.selfId }, atEnd);

  const toEnd = useCallback(() => {
    following.current = true;
    virtualizer.scrollToEnd();
  }, [virtualizer]);
  const show = useCallback(
    (index: number) => {
      following.current = false;
      setAtEnd(false);
      virtualizer.scrollToIndex(index, { align: 'center' });
      // Drawn in the next frame; the keyboard follows where one looks.
      requestAnimationFrame(() => {
        const found = scroller.current?.querySelector<HTMLElement>(`li[data-index="${index}"]`);
        found?.focus({ preventScroll: true });
      });
    },
    [virtualizer],
  );
  const target = useTarget(view, show);
  const { goTo } = target;
  useEffect(() => {
    scroll.current = { toEnd, goTo };
  }, [scroll, toEnd, goTo]);
  useNamedMessage(goTo, isPage && ready);
  const active = useActive(scroller, count, itemAt(view, count - 1)?.key);

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
        aria-label={`Messages in ${room.name}`}
        aria-description="Up and Down go from message to message, Tab to what can be done with it."
        aria-live={live}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={look}
        {...active.ofList}
      >
        {count === 0 ? (
          <NoMessages state={view.state} />
        ) : (
          <>
            <div className={styles.top} style={{ height: TOP_PX }}>
              <ListTop view={view} room={room.name} problem={loadOlder.problem} onLoad={loadOlder.now} />
            </div>
            {/* biome-ignore lint/a11y/noRedundantRoles: without its bullets Safari takes a list for none */}
            <ol role="list" className={styles.list} style={{ height: virtualizer.getTotalSize() }}>
              {virtualizer.getVirtualItems().map((item) => (
                <li
                  key={item.key}
                  ref={virtualizer.measureElement}
                  data-index={item.index}
                  data-marked={target.offset !== undefined && entries[item.index]?.offset === target.offset}
                  className={styles.item}
                  style={{ transform: `translateY(${item.start - TOP_PX}px)` }}
                  tabIndex={-1}
                  aria-posinset={item.index + 1}
                  aria-setsize={view.hasOlder ? -1 : count}
                  {...active.ofItem(item.key)}
                >
                  <Message
                    {...messageProps({ view, room, selfName, reading }, item.index)}
                    active={active.is(item.key)}
                  />
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
      {target.words !== undefined && (
        <div className={`${styles.fresh} ${styles.words}`} role="status">
          <span>{target.words}</span>
          <button className="button small quiet" type="button" onClick={target.dismiss}>
            Dismiss
          </button>
        </div>
      )}
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

/**
 * Whether the place in view must move with a message whose height has changed: if that is above it. The library's own rule leaves out
 * scrolling up, but then the oldest message loses its name as an older one of the same author comes above it.
 */
function changesAbove(item: VirtualItem, _delta: number, { scrollOffset, itemSizeCache }: MessageVirtualizer): boolean {
  const top = scrollOffset ?? 0;
  return itemSizeCache.has(item.key) ? item.end <= top : item.start < top;
}

/** `/chat/lobby#42` begins at message 42, and goes there when the address changes to it. */
function useNamedMessage(goTo: (offset: number) => void, isReady: boolean): void {
  const { hash } = useLocation();
  useEffect(() => {
    const offset = /^#([1-9]\d{0,15})$/.exec(hash)?.[1];
    if (isReady && offset !== undefined) goTo(Number(offset));
  }, [goTo, hash, isReady]);
}
