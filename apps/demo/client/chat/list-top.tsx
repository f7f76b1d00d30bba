// What stands above the oldest message that is there.

import type { ReactElement } from 'react';
import styles from './message-list.module.css';
import type { ChatView } from './room.js';

interface TopProps {
  readonly view: ChatView;
  readonly room: string;
  readonly problem: string | undefined;
  readonly onLoad: () => void;
}

export function ListTop({ view, room, problem, onLoad }: TopProps): ReactElement | null {
  if (view.entries.length === 0) return null;
  if (problem !== undefined) {
    return (
      <>
        <span className={styles.problem}>Older messages did not come: {problem}</span>
        <button className="button small" type="button" onClick={onLoad}>
          Retry
        </button>
      </>
    );
  }
  if (view.loadingOlder) return <span>Loading older messages</span>;
  if (!view.hasOlder) return <span>This is the beginning of {room}.</span>;
  return (
    <button className="button small quiet" type="button" onClick={onLoad}>
      Load older messages
    </button>
  );
}
