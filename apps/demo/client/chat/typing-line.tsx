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

export function TypingLine({ room, way, view }: TypingLineProps): ReactElement {
  const { signals } = useSignal(useBeside(room, way), 'typing', { filter: ({ on }) => on });
  const last = view.entries.at(-1);
  // Signals have no order among messages: whoever has just written is not writing, though the word of it comes a moment later.
  const wroteAt = useRef({ offset: 0, id: '', at: 0 });
  useEffect(() => {
    if (last !== undefined && last.offset > wroteAt.current.offset) {
      wroteAt.current = { offset: last.offset, id: last.user?.id ?? '', at: Date.now() };
    }
  }, [last]);
  const hasJustWritten = (id: string, at: number) =>
    last?.user?.id === id && (last.offset > wroteAt.current.offset || at <= wroteAt.current.at);
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
