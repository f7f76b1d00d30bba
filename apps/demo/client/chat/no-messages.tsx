// A room without messages.

import type { ReactElement } from 'react';
import styles from './no-messages.module.css';
import type { ChatView } from './room.js';

/** In place of the list: an invitation, or the shape of what is to come. */
export function NoMessages({ state }: { state: ChatView['state'] }): ReactElement {
  return (
    <div className={styles.nothing}>
      {state === 'live' && <p>Nobody has written here yet. Say hello.</p>}
      {(state === 'connecting' || state === 'catching up') && <Skeleton />}
    </div>
  );
}

/** Shown only when an answer takes longer than 200 ms. */
function Skeleton(): ReactElement {
  return (
    <div className={styles.skeleton}>
      <span className="hidden">Loading messages</span>
      {['60%', '35%', '72%', '48%'].map((width) => (
        <div key={width} className={styles.bone}>
          <span />
          <span style={{ width }} />
        </div>
      ))}
    </div>
  );
}
