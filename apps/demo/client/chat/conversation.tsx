// One room: its messages, what is to be said about them, and where one writes. The chat page shows one, the landing page two.

import { type ReactElement, useCallback, useRef } from 'react';
import { Icon } from '../shell/icons.js';
import { useConnection, useLine, useLog } from '../trunkline.js';
import { Composer } from './composer.js';
import styles from './conversation.module.css';
import { MessageList } from './message-list.js';

interface ConversationProps {
  readonly room: string;
  readonly selfName: string;
  /** Known before the server has answered, where the tab has a pass. */
  readonly selfId?: string | undefined;
  readonly focused?: boolean;
  /** History to begin with, in messages. Default 50. */
  readonly last?: number;
}

/** The log of a room, as the hook gives it. */
export type ChatView = ReturnType<typeof useChat>;

function useChat(room: string, last: number) {
  const line = useLine();
  return useLog(line.channel.chat(room), { last });
}

export function Conversation({ room, selfName, selfId, focused = false, last = 50 }: ConversationProps): ReactElement {
  const view = useChat(room, last);
  const user = useConnection((connection) => connection.user);
  const toEnd = useRef(() => {});

  const { publish } = view;
  const send = useCallback(
    (text: string) => {
      // A failure stands in the list, with its reason: nothing is left to handle here.
      publish({ text }).catch(() => {});
      toEnd.current();
    },
    [publish],
  );

  return (
    <div className={styles.conversation}>
      <Notices view={view} />
      <MessageList view={view} room={room} selfId={user?.id ?? selfId} selfName={selfName} toEnd={toEnd} />
      <Composer onSend={send} placeholder={`Write to ${room}`} focused={focused} />
    </div>
  );
}

/** What is wrong with what is shown, above it. */
function Notices({ view }: { view: ChatView }): ReactElement | null {
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
