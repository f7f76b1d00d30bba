// Who is writing now: a line that is always there, and mostly empty.

import { type ReactElement, useEffect, useRef } from 'react';
import { useSignal } from '../trunkline.js';
import { useBeside } from './beside.js';
import { conjoined } from './names.js';
import type { ChatView } from './room.js';
import type { Way } from './rooms.js';
import styles from './typing-line.module.css';

interface TypingLineProps {
  readonly room: string;
  readonly way: Way;
  readonly view: ChatView;
}

const NAMES_MAX = 3;
/** More than come while somebody's last signal is shown. */
const RECENT = 50;

export function TypingLine({ room, way, view }: TypingLineProps): ReactElement {
  const { signals } = useSignal(useBeside(room, way), 'typing', { filter: ({ on }) => on });
  const last = view.entries.at(-1);
  // Signals have no order among messages: whoever has just written is not writing, though the word of it comes a moment later.
  const wrote = useRef({ upTo: 0, at: new Map<string, number>() });
  useEffect(() => {
    const { upTo, at } = wrote.current;
    for (const { offset, user } of view.entries.slice(-RECENT)) {
      if (offset > upTo && user !== undefined) at.set(user.id, Date.now());
    }
    wrote.current.upTo = view.entries.at(-1)?.offset ?? upTo;
  }, [view.entries]);
  const hasJustWritten = (id: string, at: number) =>
    at <= (wrote.current.at.get(id) ?? 0) || (last?.user?.id === id && last.offset > wrote.current.upTo);
  const names = signals.flatMap(({ user, at }) =>
    user === undefined || hasJustWritten(user.id, at) ? [] : [user.name],
  );
  return (
    <p className={styles.line} data-part="typing">
      {names.length > 0 && (
        <>
          <span className={styles.dots} aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span className={styles.words}>{words(names)}</span>
        </>
      )}
    </p>
  );
}

function words(names: readonly string[]): string {
  if (names.length > NAMES_MAX) return `${names.length} people are typing`;
  return `${conjoined(names)} ${names.length === 1 ? 'is' : 'are'} typing`;
}
