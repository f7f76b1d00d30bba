// The way to one message: older pages are loaded until it is there, then it is in view, marked, and has the keyboard.

import { useCallback, useEffect, useState } from 'react';
import { indexOf } from './message-props.js';
import type { ChatView } from './room.js';

export interface Target {
  /** Goes there. */
  readonly goTo: (offset: number) => void;
  /** The message that is marked. */
  readonly offset: number | undefined;
  /** What became of the way, where that is worth a word. */
  readonly words: string | undefined;
  readonly dismiss: () => void;
}

const PAGE = 500;
const MARKED_MS = 3_000;

/** @param show brings the message at that index into view. */
export function useTarget(view: ChatView, show: (index: number) => void): Target {
  const [wanted, setWanted] = useState<number>();
  const [offset, setOffset] = useState<number>();
  const [words, setWords] = useState<string>();
  const { entries, hasOlder, loadingOlder, loadOlder, state } = view;
  const oldest = entries[0]?.offset;

  useEffect(() => {
    if (wanted === undefined || state !== 'live') return;
    if (oldest !== undefined && wanted < oldest && hasOlder) {
      setWords('Looking for the message');
      if (loadingOlder) return;
      loadOlder(PAGE).catch((error: unknown) => {
        setWanted(undefined);
        setWords(`The message could not be loaded: ${error instanceof Error ? error.message : error}`);
      });
      return;
    }
    setWanted(undefined);
    const index = indexOf({ ...view, entries }, wanted);
    if (index < 0) return setWords('That message is not kept any more.');
    setWords(undefined);
    setOffset(wanted);
    show(index);
  }, [wanted, view, entries, oldest, hasOlder, loadingOlder, loadOlder, state, show]);

  useEffect(() => {
    if (offset === undefined) return;
    const timer = setTimeout(() => setOffset(undefined), MARKED_MS);
    return () => clearTimeout(timer);
  }, [offset]);

  const goTo = useCallback((to: number) => {
    setOffset(undefined);
    setWords(undefined);
    setWanted(to);
  }, []);
  return { goTo, offset, words, dismiss: () => setWords(undefined) };
}
