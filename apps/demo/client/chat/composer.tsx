// Where a message is written, answered or written anew. Enter sends, Shift+Enter begins a line, Escape gives up an answer or an edit, and Up in an
// empty field takes one's last message. What is wrong is said before it is sent.

import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type ReactElement,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { IMAGE_TYPES, type MessageImage } from '../../shared/image.js';
import { MESSAGE_CHARACTERS_MAX } from '../../shared/limits.js';
import { Icon } from '../shell/icons.js';
import styles from './composer.module.css';
import { authorOf, excerpt } from './quote.js';
import type { ChatEntry } from './room.js';
import { UploadTray } from './upload-tray.js';
import { useUploads } from './uploads.js';

/** What is being written besides a new message. */
export interface Writing {
  readonly kind: 'reply' | 'edit';
  readonly entry: ChatEntry;
}

interface ComposerProps {
  /** A new message, an answer, or the edited message's text. */
  readonly onSend: (text: string, images: readonly MessageImage[]) => void;
  readonly writing: Writing | undefined;
  /** Gives up what is being written besides a new message. */
  readonly onCancel: () => void;
  /** Up in an empty field. */
  readonly onUp: () => void;
  /** Whether something is being written. Told often. */
  readonly onTyping: (isTyping: boolean) => void;
  readonly token: () => Promise<string>;
  readonly placeholder: string;
  /** Takes the keyboard when it appears, where there is one. */
  readonly focused?: boolean;
}

const ROWS_PX_MAX = 160;

export function Composer(props: ComposerProps): ReactElement {
  const { onSend, onCancel, onUp, onTyping, writing, token, placeholder, focused = false } = props;
  const [draft, setDraft] = useState('');
  const [edited, setEdited] = useState<{ of: ChatEntry; text: string }>();
  const [error, setError] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const uploads = useUploads(token);
  const id = useId();

  const original = writing?.kind === 'edit' ? writing.entry : undefined;
  // The draft waits while a message is written anew.
  if (original !== undefined && edited?.of !== original) setEdited({ of: original, text: original.data?.text ?? '' });
  const text = original === undefined ? draft : (edited?.text ?? '');
  const length = text.trim().length;
  const images = original === undefined ? uploads.all.length : (original.data?.images?.length ?? 0);

  const write = (next: string) => {
    setError(undefined);
    if (original !== undefined) return setEdited({ of: original, text: next });
    setDraft(next);
    onTyping(next.trim() !== '');
  };

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
  useEffect(() => {
    if (writing === undefined) return;
    setError(undefined);
    field.current?.focus();
    field.current?.setSelectionRange(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  }, [writing]);

  const send = () => {
    const problem = problemOf(length, images) ?? (original === undefined ? unfinished(uploads.all) : undefined);
    setError(problem);
    field.current?.focus();
    if (problem !== undefined) return;
    onSend(text.trim(), original === undefined ? uploads.take() : []);
    if (original !== undefined) return;
    setDraft('');
    onTyping(false);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a word, its keys are its own.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && writing !== undefined) {
      event.preventDefault();
      setError(undefined);
      onCancel();
    } else if (event.key === 'ArrowUp' && text === '' && writing === undefined) {
      event.preventDefault();
      onUp();
    }
  };
  const addFiles = (event: ClipboardEvent | DragEvent, given: DataTransfer) => {
    if (given.files.length === 0 || original !== undefined) return;
    event.preventDefault();
    uploads.add([...given.files]);
  };

  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => addFiles(event, event.dataTransfer)}
    >
      {error !== undefined && (
        <p className={styles.error} id={`${id}-error`} role="alert">
          <Icon name="alert" /> {error}
        </p>
      )}
      {writing !== undefined && <WritingBar writing={writing} onCancel={onCancel} />}
      {original === undefined && <UploadTray uploads={uploads} />}
      <div className={styles.row}>
        <textarea
          ref={field}
          className={`field ${styles.field}`}
          rows={1}
          aria-label="Message"
          placeholder={placeholder}
          dir="auto"
          value={text}
          enterKeyHint="send"
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : `${id}-error`}
          onChange={(event) => write(event.target.value)}
          onPaste={(event) => addFiles(event, event.clipboardData)}
          onKeyDown={onKeyDown}
        />
        <button className="button primary" type="submit">
          {original === undefined ? 'Send' : 'Save'}
        </button>
        {original === undefined && (
          <button
            className={`button icon ${styles.attach}`}
            type="button"
            aria-label="Add images"
            title="Add images: PNG, JPEG, GIF or WebP, 2 MB each"
            onClick={() => files.current?.click()}
          >
            <Icon name="image" />
          </button>
        )}
        <input
          ref={files}
          type="file"
          hidden
          multiple
          accept={Object.values(IMAGE_TYPES).join(',')}
          data-part="files"
          onChange={(event) => {
            uploads.add([...(event.target.files ?? [])]);
            // The same file may be chosen again.
            event.target.value = '';
            field.current?.focus();
          }}
        />
      </div>
      {length > MESSAGE_CHARACTERS_MAX * 0.9 && (
        <p className={styles.count} data-over={length > MESSAGE_CHARACTERS_MAX}>
          {length.toLocaleString('en')} of {MESSAGE_CHARACTERS_MAX.toLocaleString('en')} characters
        </p>
      )}
    </form>
  );
}

function WritingBar({ writing: { kind, entry }, onCancel }: { writing: Writing; onCancel: () => void }): ReactElement {
  return (
    <p className={styles.writing} role="status">
      <Icon name={kind === 'edit' ? 'pencil' : 'reply'} size={14} />
      <span className={styles.writingText} dir="auto">
        {kind === 'edit' ? 'Editing: ' : `Replying to ${authorOf(entry)}: `}
        {excerpt(entry)}
      </span>
      <button
        className="button icon quiet"
        type="button"
        aria-label={kind === 'edit' ? 'Cancel the edit' : 'Cancel the reply'}
        title="Cancel (Escape)"
        onClick={onCancel}
      >
        <Icon name="close" />
      </button>
    </p>
  );
}

function unfinished(uploads: readonly { readonly state: string }[]): string | undefined {
  if (uploads.some(({ state }) => state === 'failed')) return 'An image did not arrive: retry it, or remove it.';
  if (uploads.some(({ state }) => state !== 'stored')) return 'The images are still on their way. Send it in a moment.';
  return undefined;
}

function problemOf(length: number, images: number): string | undefined {
  if (length === 0 && images === 0) return 'Write something first: there is nothing to send.';
  if (length <= MESSAGE_CHARACTERS_MAX) return undefined;
  const over = (length - MESSAGE_CHARACTERS_MAX).toLocaleString('en');
  const max = MESSAGE_CHARACTERS_MAX.toLocaleString('en');
  return `A message has at most ${max} characters; this one is ${over} over. Shorten it, or send it in parts.`;
}
