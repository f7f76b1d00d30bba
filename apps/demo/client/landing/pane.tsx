// One of the landing page's clients: its name, its connection, its view of the room.

import type { ReactElement } from 'react';
import { Conversation } from '../chat/conversation.js';
import { Refused } from '../chat/refused.js';
import type { DemoClient } from '../clients.js';
import { passes, type Role } from '../guest/passes.js';
import { ConnectionState } from '../shell/connection-state.js';
import { TrunklineProvider } from '../trunkline.js';
import styles from './pane.module.css';

interface PaneProps {
  readonly client: DemoClient;
  readonly room: string;
  readonly focused?: boolean;
}

export function Pane({ client, room, focused = false }: PaneProps): ReactElement {
  return (
    <section className={styles.pane} aria-label={client.label}>
      <div className={styles.bar}>
        <h2 className={styles.name}>{client.label}</h2>
        <ConnectionState line={client.line} label={client.label} />
      </div>
      <Refused line={client.line}>
        <button className="button small" type="button" onClick={() => beginAnew(client.role)}>
          Begin anew as {client.label}
        </button>
      </Refused>
      <TrunklineProvider line={client.line}>
        <Conversation room={room} guest={client.role} selfName={client.label} focused={focused} last={30} />
      </TrunklineProvider>
    </section>
  );
}

/** A new guest needs a new line, and so a new document. */
function beginAnew(role: Role): void {
  passes.forget(role);
  location.reload();
}
