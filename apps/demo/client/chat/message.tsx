// One message: who, when, what, and of one's own whether it has arrived.

import { memo, type ReactElement } from 'react';
import { Icon } from '../shell/icons.js';
import styles from './message.module.css';
import { dayName, exactTime, relativeTime, useNow } from './times.js';

export interface MessageProps {
  readonly author: string;
  readonly text: string;
  /** When it was stored, in milliseconds since 1970; `undefined` while it is not. */
  readonly at: number | undefined;
  readonly own: boolean;
  /** Follows another one of the same author closely, and does without a name. */
  readonly continued: boolean;
  /** Begins a day that the one before it is not of. */
  readonly newDay: boolean;
  /** The newest of one's own that is stored: says so in a word. */
  readonly newestOwn: boolean;
  readonly state: 'stored' | 'sending' | 'failed';
  readonly problem: string | undefined;
  readonly retry?: (() => void) | undefined;
  readonly discard?: (() => void) | undefined;
}

export const Message = memo(function Message(message: MessageProps): ReactElement {
  const nowMs = useNow();
  const { author, at, own, continued, state } = message;
  return (
    <>
      {message.newDay && at !== undefined && <p className={styles.day}>{dayName(at, nowMs)}</p>}
      <div className={styles.message} data-continued={continued} data-state={state} data-own={own}>
        <span className={styles.face} aria-hidden="true">
          {continued ? '' : initials(author)}
        </span>
        <div className={styles.body}>
          <p className={continued ? 'hidden' : styles.head}>
            <span className={styles.author}>{author}</span>
            {own && <span className={styles.you}> you</span>}{' '}
            {at !== undefined && (
              <time className={styles.time} dateTime={new Date(at).toISOString()} title={exactTime(at)}>
                {relativeTime(at, nowMs)}
              </time>
            )}
          </p>
          <p className={styles.text} data-part="text" title={at === undefined ? undefined : exactTime(at)}>
            {message.text}
          </p>
          {state === 'failed' && <Failed {...message} />}
        </div>
        {own && state !== 'failed' && <Delivery state={state} spelled={message.newestOwn} />}
      </div>
    </>
  );
});

function Delivery({ state, spelled }: { state: 'stored' | 'sending'; spelled: boolean }): ReactElement {
  const word = state === 'sending' ? 'sending' : 'sent';
  return (
    <span className={styles.delivery} title={word}>
      <Icon name={state === 'sending' ? 'clock' : 'check'} size={14} />
      <span className={spelled || state === 'sending' ? undefined : 'hidden'}>{word}</span>
    </span>
  );
}

function Failed({ problem, retry, discard }: MessageProps): ReactElement {
  return (
    <div className={styles.failed}>
      <Icon name="alert" size={14} />
      <span>failed{problem === undefined ? '' : `: ${problem}`}</span>
      <button className="button small" type="button" onClick={retry}>
        Retry
      </button>
      <button className="button small quiet" type="button" onClick={discard}>
        Discard
      </button>
    </div>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('');
}
