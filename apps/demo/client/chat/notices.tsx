// What is wrong with what is shown, above it: entries that are lost, a lost connection, a refusal.

import type { ReactElement } from 'react';
import { Icon } from '../shell/icons.js';
import styles from './conversation.module.css';
import type { ChatView } from './room.js';

export function Notices({ view }: { view: ChatView }): ReactElement | null {
  const { gap, state, dismissGap } = view;
  return (
    <>
      {gap !== undefined && (
        <div className={styles.notice} role="status">
          <Icon name="alert" />
          <span>{gapWords(gap)}</span>
          <button className="button small quiet" type="button" onClick={dismissGap}>
            Dismiss
          </button>
        </div>
      )}
      {state === 'offline' && (
        <div className={styles.notice} role="status">
          <Icon name="clock" />
          <span>The connection is lost. What you write is kept, and sent when it is back.</span>
        </div>
      )}
      {state === 'refused' && (
        <div className={`${styles.notice} ${styles.refused}`} role="alert">
          <Icon name="alert" />
          <span>The server does not show this room: {view.error?.message ?? 'it gave no reason.'}</span>
        </div>
      )}
    </>
  );
}

function gapWords({ lost, reason }: NonNullable<ChatView['gap']>): string {
  const count = lost === undefined ? 'Some' : lost.toLocaleString('en');
  const one = lost === 1;
  switch (reason) {
    case 'trimmed':
      return `${count} older ${one ? 'message is' : 'messages are'} no longer kept.`;
    case 'skipped':
      return `${count} ${one ? 'message was' : 'messages were'} skipped. Scroll up to read ${one ? 'it' : 'them'}.`;
    case 'epoch':
      return 'This room was begun anew on the server. What was here before is gone.';
  }
}
