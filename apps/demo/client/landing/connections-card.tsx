// All connections of this tab, also the one that is closing or closed: leaving the chat ends its connection, and here one sees how.

import { type ReactElement, useEffect, useState } from 'react';
import type { WireFrame } from '../../shared/wire.js';
import { clientFor, type DemoClient, knownChat } from '../clients.js';
import { ConnectionState, useConnectionOf } from '../shell/connection-state.js';
import type { SeenEvent } from '../wire/steps.js';
import { useWire } from '../wire/wire-source.js';
import styles from './connections-card.module.css';
import page from './landing-page.module.css';

export function ConnectionsCard(): ReactElement {
  const chat = knownChat();
  return (
    <section className={page.card} aria-labelledby="connections">
      <h2 className={page.heading} id="connections">
        Connections of this tab
      </h2>
      <ul className={styles.list}>
        <Row client={clientFor('ada')} />
        <Row client={clientFor('bob')} />
        {chat === undefined ? (
          <li className={styles.row}>
            <span>Chat</span>
            <span className={styles.none}>none: the chat was not open in this tab</span>
          </li>
        ) : (
          <ChatRow client={chat} />
        )}
      </ul>
    </section>
  );
}

function Row({ client }: { client: DemoClient }): ReactElement {
  return (
    <li className={styles.row}>
      <span>{client.label}</span>
      <ConnectionState line={client.line} label={client.label} />
    </li>
  );
}

/** The chat's connection outlives its page by a second, then both sides close it. */
function ChatRow({ client }: { client: DemoClient }): ReactElement {
  const { state } = useConnectionOf(client.line);
  const isOver = state === 'idle' || state === 'closed';
  const [complete, setComplete] = useState(false);
  const { events } = useWire(client.wireId, !complete);
  const last = events.at(-1)?.connection;
  const closes = events.filter(
    (event): event is SeenEvent & WireFrame =>
      event.kind === 'frame' && event.opcode === 8 && event.connection === last,
  );
  // What is over changes no more: the stream that told it is let go.
  const isComplete = isOver && events.at(-1)?.kind === 'end';
  useEffect(() => setComplete(isComplete), [isComplete]);
  return (
    <li className={`${styles.row} ${styles.chat}`}>
      <span>Chat</span>
      <ConnectionState line={client.line} label="Chat" />
      <ol className={styles.closes} aria-label="Close frames as the server saw them">
        {isOver ? (
          closes.map((close) => (
            <li key={close.n} data-direction={close.direction}>
              <span>{close.direction === 'in' ? 'client → server' : 'server → client'}</span>
              <code>
                Close {close.closeCode}
                {close.reason ? ` “${close.reason}”` : ''}
              </code>
            </li>
          ))
        ) : (
          <li>
            <span>closing soon: nothing shows the chat any more</span>
          </li>
        )}
      </ol>
    </li>
  );
}
