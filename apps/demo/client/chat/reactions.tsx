// The reactions to a message: how many, who, and whether one is among them. Pressing one joins or leaves.

import type { ReactElement } from 'react';
import styles from './reactions.module.css';
import { type ChatEntry, useRoom } from './room.js';

interface ReactionsProps {
  readonly entry: ChatEntry;
  /** Reactions whose answer is on its way. */
  readonly changed: Readonly<Record<string, boolean>> | undefined;
  /** Whether Tab comes here. */
  readonly reachable: boolean;
}

export function Reactions({ entry, changed = {}, reachable }: ReactionsProps): ReactElement | null {
  const { selfId, names, changes } = useRoom();
  const shown = reactionsOf(entry, changed, selfId);
  if (shown.length === 0) return null;
  return (
    <ul className={styles.reactions} aria-label="Reactions">
      {shown.map(({ reaction, ids }) => {
        const isOwn = selfId !== undefined && ids.includes(selfId);
        const who = names.list(ids, selfId);
        return (
          <li key={reaction} className={styles.item}>
            <button
              type="button"
              className={styles.reaction}
              aria-pressed={isOwn}
              aria-label={`${reaction} ${ids.length}: ${who}`}
              tabIndex={reachable ? 0 : -1}
              onClick={() => changes.react(entry, reaction, !isOwn)}
            >
              <span className={styles.chip}>
                <bdi className={styles.emoji}>{reaction}</bdi>
                <span className={styles.count}>{ids.length.toLocaleString('en')}</span>
              </span>
            </button>
            <span className={styles.who} aria-hidden="true">
              {who}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** Ids by reaction, as they will be when what is on its way has arrived. */
function reactionsOf({ reactions }: ChatEntry, changed: Readonly<Record<string, boolean>>, selfId: string | undefined) {
  const all = new Map<string, readonly string[]>(Object.entries(reactions));
  if (selfId !== undefined) {
    for (const [reaction, isOn] of Object.entries(changed)) {
      const others = (all.get(reaction) ?? []).filter((id) => id !== selfId);
      all.set(reaction, isOn ? [...others, selfId] : others);
    }
  }
  return [...all].filter(([, ids]) => ids.length > 0).map(([reaction, ids]) => ({ reaction, ids }));
}
