// One room: its messages, who is here, what is to be said about them, and where one writes. The chat page shows one, the landing page two.

import { type ReactElement, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { MessageImage } from '../../shared/image.js';
import { passes, type Role } from '../guest/passes.js';
import { useConnection, useLine } from '../trunkline.js';
import { useBeside } from './beside.js';
import { Composer, type Writing } from './composer.js';
import styles from './conversation.module.css';
import { MessageList, type Scroll } from './message-list.js';
import { Names } from './names.js';
import { Notices } from './notices.js';
import { People } from './people.js';
import { Quoted } from './quoted.js';
import { RoomContext, useChat } from './room.js';
import type { Way } from './rooms.js';
import { SearchPanel } from './search-panel.js';
import { TypingLine } from './typing-line.js';
import { useChanges } from './use-changes.js';

interface ConversationProps {
  readonly room: string;
  readonly way?: Way;
  /** Who writes: images are sent in their name. */
  readonly guest: Role;
  readonly selfName: string;
  /** Known before the server has answered, where the tab has a pass. */
  readonly selfId?: string | undefined;
  /** The conversation is the page: it has the keyboard, shows who is here, and begins at the message that the address names. */
  readonly isPage?: boolean;
  /** Whether the list of who is here is open where it has no column of its own. Default: no. */
  readonly peopleOpen?: boolean;
  /** Shows the search; called when it is left. */
  readonly onSearchClose?: (() => void) | undefined;
  readonly focused?: boolean;
  /** History to begin with, in messages. Default 50. */
  readonly last?: number;
}

export function Conversation(props: ConversationProps): ReactElement {
  const { room, way = 'chat', guest, selfName, isPage = false, focused = isPage, last = 50 } = props;
  const view = useChat(room, last);
  const { signal } = useBeside(room, way);
  const user = useConnection((connection) => connection.user);
  const selfId = user?.id ?? props.selfId;
  const scroll = useRef<Scroll>({ toEnd: () => {}, goTo: () => {} });
  const [writing, setWriting] = useState<Writing>();
  const [names] = useState(() => new Names());
  const changes = useChanges(view);
  const quoted = useQuotedMessages(room);
  const { publish, entries, pending } = view;
  useEffect(() => names.learn(entries.map((entry) => entry.user)), [names, entries]);

  const send = useCallback(
    (text: string, images: readonly MessageImage[]) => {
      setWriting(undefined);
      if (writing?.kind === 'edit') {
        if (text !== writing.entry.data?.text) changes.edit(writing.entry, text);
        return;
      }
      // A failure stands in the list, with its reason: nothing is left to handle here.
      publish({
        text,
        ...(writing === undefined ? {} : { replyTo: writing.entry.offset }),
        ...(images.length === 0 ? {} : { images: [...images] }),
      }).catch(() => {});
      scroll.current.toEnd();
    },
    [publish, writing, changes],
  );
  const shared = useMemo(
    () => ({
      name: room,
      selfId,
      names,
      changes,
      quoted,
      reply: (entry: Writing['entry']) => setWriting({ kind: 'reply', entry }),
      rewrite: (entry: Writing['entry']) => setWriting({ kind: 'edit', entry }),
      goTo: (offset: number) => scroll.current.goTo(offset),
    }),
    [room, selfId, names, changes, quoted],
  );
  const rewriteLast = () => {
    // What was sent a moment ago is meant, and cannot be changed yet.
    if (pending.length > 0) return;
    const own = entries.findLast((entry) => entry.user?.id === selfId && entry.data !== undefined);
    if (own !== undefined) setWriting({ kind: 'edit', entry: own });
  };
  const token = useCallback(async () => (await passes.token(guest, false)).token, [guest]);

  return (
    <RoomContext value={shared}>
      <div className={styles.conversation}>
        {isPage && <People selfId={selfId} way={way} isOpen={props.peopleOpen ?? false} />}
        <div className={styles.talk}>
          <Notices view={view} />
          {props.onSearchClose !== undefined && <SearchPanel view={view} onClose={props.onSearchClose} />}
          <MessageList view={view} way={way} selfName={selfName} scroll={scroll} isPage={isPage} />
          {way === 'chat' && <TypingLine room={room} way={way} view={view} />}
          <Composer
            onSend={send}
            writing={writing}
            onCancel={() => setWriting(undefined)}
            onUp={rewriteLast}
            onTyping={(on) => signal('typing', { on })}
            token={token}
            placeholder={`Write to ${room}`}
            focused={focused}
          />
        </div>
      </div>
    </RoomContext>
  );
}

function useQuotedMessages(room: string): Quoted {
  const line = useLine();
  return useMemo(() => {
    const log = line.channel.chat(room);
    return new Quoted(async (offset) => {
      const { entries } = await log.read({ before: offset + 1, limit: 1 });
      return entries.find((entry) => entry.offset === offset);
    });
  }, [line, room]);
}
