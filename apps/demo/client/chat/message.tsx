// One message: who, when, what, what it answers, what others say to it, and of one's own whether it has arrived.

import { memo, type ReactElement } from 'react';
import type { MessageImage } from '../../shared/image.js';
import { Icon } from '../shell/icons.js';
import { Avatar } from './avatar.js';
import type { Person } from './beside.js';
import { isOnlyEmoji } from './emoji.js';
import styles from './message.module.css';
import { MessageActions } from './message-actions.js';
import { MessageImages } from './message-images.js';
import { Quote } from './quote.js';
import { Reactions } from './reactions.js';
import { type ChatEntry, useRoom } from './room.js';
import { SeenBy } from './seen-by.js';
import { dayName, exactTime, relativeTime, useNow } from './times.js';
import type { Change } from './use-changes.js';

export interface MessageProps {
  /** As it is stored; `undefined` while it is not. */
  readonly entry?: ChatEntry | undefined;
  /** What is on its way to it. */
  readonly change?: Change | undefined;
  readonly author: string;
  readonly text: string;
  readonly images?: readonly MessageImage[] | undefined;
  /** Offset of the message that this one answers, */
  readonly replyTo?: number | undefined;
  /** that message, if it is loaded, */
  readonly answers?: ChatEntry | undefined;
  /** and whether it cannot be. */
  readonly isAnsweredGone?: boolean | undefined;
  /** When it was stored, in milliseconds since 1970; `undefined` while it is not. */
  readonly at: number | undefined;
  readonly own: boolean;
  /** Follows another one of the same author closely, and does without a name. */
  readonly continued: boolean;
  /** Begins a day that the one before it is not of. */
  readonly newDay: boolean;
  /** The first of those that came since one was here. */
  readonly isFirstNew?: boolean | undefined;
  /** The newest of one's own that is stored: says so in a word. */
  readonly newestOwn: boolean;
  /** Who has read up to here. */
  readonly seenBy?: readonly Person[] | undefined;
  readonly state: 'stored' | 'sending' | 'failed';
  readonly problem: string | undefined;
  readonly retry?: (() => void) | undefined;
  readonly discard?: (() => void) | undefined;
  /** Shows what can be done with it. */
  readonly active?: boolean;
}

export const Message = memo(function Message(message: MessageProps): ReactElement {
  const nowMs = useNow();
  const { entry, change, author, at, own, continued, state, replyTo, active = false } = message;
  const isDeleted = entry?.deletedAt !== undefined;
  return (
    <>
      {message.newDay && at !== undefined && <p className={styles.day}>{dayName(at, nowMs)}</p>}
      {message.isFirstNew === true && (
        <p className={styles.new}>
          <span>New messages</span>
        </p>
      )}
      <div className={styles.message} data-continued={continued} data-state={state} data-own={own} data-active={active}>
        <Avatar className={styles.face} name={continued ? '' : author} own={own} />
        <div className={styles.body}>
          <p className={continued ? 'hidden' : styles.head}>
            <bdi className={styles.author}>{author}</bdi>
            {own && <span className={styles.you}> you</span>}{' '}
            {at !== undefined && (
              <time className={styles.time} dateTime={new Date(at).toISOString()} title={exactTime(at)}>
                {relativeTime(at, nowMs)}
              </time>
            )}
          </p>
          {replyTo !== undefined && !isDeleted && (
            <Quote
              offset={replyTo}
              entry={message.answers}
              isGone={message.isAnsweredGone ?? false}
              reachable={active}
            />
          )}
          {isDeleted ? <p className={styles.deleted}>message deleted</p> : <Content {...message} />}
          {entry !== undefined && !isDeleted && (
            // Silent: a new message is read aloud, and not what can be done with it.
            <div aria-live="off">
              <Reactions entry={entry} changed={change?.reactions} reachable={active} />
              {active && change?.isDeleting !== true && <MessageActions entry={entry} own={own} />}
            </div>
          )}
          {state === 'failed' && <Failed {...message} />}
          {entry !== undefined && change?.problem !== undefined && (
            <NotChanged offset={entry.offset} problem={change.problem} />
          )}
        </div>
        <span className={styles.meta}>
          {!isDeleted && entry?.editedAt !== undefined && (
            <time
              className={styles.edited}
              dateTime={new Date(entry.editedAt).toISOString()}
              title={`Edited ${exactTime(entry.editedAt)}`}
            >
              edited
            </time>
          )}
          {own && state !== 'failed' && !isDeleted && (
            <Delivery
              state={change?.text !== undefined || change?.isDeleting ? 'sending' : state}
              spelled={message.newestOwn}
            />
          )}
        </span>
        {message.seenBy !== undefined && <SeenBy people={message.seenBy} />}
      </div>
    </>
  );
});

function Content({ text, images, at, active }: MessageProps): ReactElement {
  return (
    <>
      {text !== '' && (
        <p
          className={styles.text}
          data-part="text"
          data-large={isOnlyEmoji(text)}
          dir="auto"
          title={at === undefined ? undefined : exactTime(at)}
        >
          {text}
        </p>
      )}
      {images !== undefined && images.length > 0 && <MessageImages images={images} reachable={active ?? false} />}
    </>
  );
}

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

/** What was to be done with the message, and was refused. */
function NotChanged({ offset, problem }: { offset: number; problem: string }): ReactElement {
  const { changes } = useRoom();
  return (
    <div className={styles.failed} role="alert">
      <Icon name="alert" size={14} />
      <span>not changed: {problem}</span>
      <button className="button small quiet" type="button" onClick={() => changes.dismiss(offset)}>
        Dismiss
      </button>
    </div>
  );
}
