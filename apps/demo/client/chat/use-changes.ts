// What one has done to messages and the server has not confirmed yet: shown at once, taken back with the reason if it is refused.

import { useCallback, useMemo, useState } from 'react';
import type { ChatEntry, ChatView } from './room.js';

/** To one message. */
export interface Change {
  /** What it says then. */
  readonly text?: string | undefined;
  readonly isDeleting?: boolean | undefined;
  /** By reaction: whether it is one's own then. */
  readonly reactions?: Readonly<Record<string, boolean>> | undefined;
  /** Why the last change did not come to be. */
  readonly problem?: string | undefined;
}

export interface Changes {
  readonly of: (offset: number) => Change | undefined;
  readonly edit: (entry: ChatEntry, text: string) => void;
  readonly remove: (entry: ChatEntry) => void;
  readonly react: (entry: ChatEntry, reaction: string, isOn: boolean) => void;
  readonly dismiss: (offset: number) => void;
}

const NONE: ReadonlyMap<number, Change> = new Map();

export function useChanges({ edit, delete: remove, react, unreact }: ChatView): Changes {
  const [changes, setChanges] = useState(NONE);

  const merge = useCallback((offset: number, part: Change) => {
    setChanges((all) => new Map(all).set(offset, { ...all.get(offset), ...part }));
  }, []);
  const run = useCallback(
    (offset: number, during: Change, after: Change, work: Promise<unknown>) => {
      merge(offset, { ...during, problem: undefined });
      work.then(
        () => merge(offset, after),
        (error: unknown) =>
          merge(offset, { ...after, problem: error instanceof Error ? error.message : String(error) }),
      );
    },
    [merge],
  );

  return useMemo(
    () => ({
      of: (offset) => changes.get(offset),
      edit: ({ offset, data }, text) => {
        if (data === undefined) return;
        run(offset, { text }, { text: undefined }, edit(offset, { ...data, text }));
      },
      remove: ({ offset }) => run(offset, { isDeleting: true }, { isDeleting: undefined }, remove(offset)),
      react: ({ offset }, reaction, isOn) => {
        const { reactions = {} } = changes.get(offset) ?? {};
        const { [reaction]: _, ...others } = reactions;
        const work = isOn ? react(offset, reaction) : unreact(offset, reaction);
        run(offset, { reactions: { ...reactions, [reaction]: isOn } }, { reactions: others }, work);
      },
      dismiss: (offset) => merge(offset, { problem: undefined }),
    }),
    [changes, run, merge, edit, remove, react, unreact],
  );
}
