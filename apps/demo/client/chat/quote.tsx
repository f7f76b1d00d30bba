// The message that another one answers, in a line above it. Pressing it goes there.

import type { ReactElement } from 'react';
import { Icon } from '../shell/icons.js';
import styles from './quote.module.css';
import { type ChatEntry, useRoom } from './room.js';

interface QuoteProps {
  readonly offset: number;
  /** `undefined`: it is older than what is loaded, or not kept any more. */
  readonly entry: ChatEntry | undefined;
  /** Whether it cannot be loaded. */
  readonly isGone: boolean;
  readonly reachable: boolean;
}

export function Quote({ offset, entry, isGone, reachable }: QuoteProps): ReactElement {
  const { goTo } = useRoom();
  if (isGone || entry?.deletedAt !== undefined) {
    return (
      <p className={styles.quote}>
        <Icon name="reply" size={14} />
        <span className={styles.gone}>deleted message</span>
      </p>
    );
  }
  return (
    <button type="button" className={styles.quote} tabIndex={reachable ? 0 : -1} onClick={() => goTo(offset)}>
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
