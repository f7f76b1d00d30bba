// Where a message is written. Enter sends, Shift+Enter begins a line. What is wrong is said before it is sent.

import { type ReactElement, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { MESSAGE_CHARACTERS_MAX } from '../../shared/limits.js';
import { Icon } from '../shell/icons.js';
import styles from './composer.module.css';

interface ComposerProps {
  readonly onSend: (text: string) => void;
  readonly placeholder: string;
  /** Takes the keyboard when it appears, where there is one. */
  readonly focused?: boolean;
}

const ROWS_PX_MAX = 160;

export function Composer({ onSend, placeholder, focused = false }: ComposerProps): ReactElement {
  const [text, setText] = useState('');
  const [error, setError] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const length = text.trim().length;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const { current } = field;
    if (current === null) return;
    current.style.height = 'auto';
    current.style.height = `${Math.min(current.scrollHeight + 2, ROWS_PX_MAX)}px`;
  }, [text]);

  useEffect(() => {
    // A phone would open its keyboard over the messages.
    if (focused && matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [focused]);

  const send = () => {
    const problem = problemOf(length);
    setError(problem);
    if (problem !== undefined) return field.current?.focus();
    onSend(text.trim());
    setText('');
    field.current?.focus();
  };

  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {error !== undefined && (
        <p className={styles.error} id={`${id}-error`} role="alert">
          <Icon name="alert" /> {error}
        </p>
      )}
      <div className={styles.row}>
        <textarea
          ref={field}
          className={`field ${styles.field}`}
          rows={1}
          aria-label="Message"
          placeholder={placeholder}
          value={text}
          enterKeyHint="send"
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : `${id}-error`}
          onChange={(event) => {
            setText(event.target.value);
            setError(undefined);
          }}
          onKeyDown={(event) => {
            // While an input method composes a word, Enter chooses it.
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button className="button primary" type="submit">
          Send
        </button>
      </div>
      {length > MESSAGE_CHARACTERS_MAX * 0.9 && (
        <p className={styles.count} data-over={length > MESSAGE_CHARACTERS_MAX}>
          {length.toLocaleString('en')} of {MESSAGE_CHARACTERS_MAX.toLocaleString('en')} characters
        </p>
      )}
    </form>
  );
}

function problemOf(length: number): string | undefined {
  if (length === 0) return 'Write something first: there is nothing to send.';
  if (length <= MESSAGE_CHARACTERS_MAX) return undefined;
  const over = (length - MESSAGE_CHARACTERS_MAX).toLocaleString('en');
  const max = MESSAGE_CHARACTERS_MAX.toLocaleString('en');
  return `A message has at most ${max} characters; this one is ${over} over. Shorten it, or send it in parts.`;
}
