// The message that another one answers, in a line above it: always one line high, whatever is known of it yet. Pressing it goes there.

import type { ReactElement } from 'react';
import { Icon } from '../shell/icons.js';
import styles from './quote.module.css';
import { useQuoted } from './quoted.js';
import { type ChatEntry, useRoom } from './room.js';

interface QuoteProps {
  readonly offset: number;
  /** As it is loaded; `undefined`: it is older than that, or not kept any more. */
  readonly entry: ChatEntry | undefined;
  /** Whether it cannot be loaded. */
  readonly isGone: boolean;
  readonly reachable: boolean;
}

export function Quote({ offset, entry: loaded, isGone, reachable }: QuoteProps): ReactElement {
  const { goTo } = useRoom();
  const { message, ref } = useQuoted(offset, loaded === undefined && !isGone);
  const entry = loaded ?? (message === 'gone' ? undefined : message);
  if (isGone || message === 'gone' || entry?.deletedAt !== undefined) {
    return (
      <p ref={ref} className={styles.quote}>
        <Icon name="reply" size={14} />
        <span className={styles.gone}>deleted message</span>
      </p>
    );
  }
  return (
    <button ref={ref} type="button" className={styles.quote} tabIndex={reachable ? 0 : -1} onClick={() => goTo(offset)}>
      <Icon name="reply" size={14} />
      <span className="hidden">In reply to</span>
      {entry === undefined ? (
        <span>an earlier message</span>
      ) : (
        <>
          <bdi className={styles.author}>{authorOf(entry)}</bdi>
          <span className={styles.text} dir="auto">
            {excerpt(entry)}
          </span>
        </>
      )}
    </button>
  );
}

export function authorOf({ user }: ChatEntry): string {
  return user?.name ?? 'Trunkline';
}

/** The first words of a message, in one line. */
export function excerpt({ data }: ChatEntry): string {
  if (data === undefined) return 'deleted message';
  const text = data.text.replace(/\s+/g, ' ');
  if (text !== '') return text.length > 160 ? `${text.slice(0, 160)}…` : text;
  const [image] = data.images ?? [];
  return image?.alt ?? ((data.images?.length ?? 0) > 1 ? `${data.images?.length} images` : 'an image');
}
