// The first page: two clients of one room, side by side, each with a connection of its own, and what becomes of them.

import type { ReactElement } from 'react';
import { roomAddress } from '../chat/rooms.js';
import { clientFor } from '../clients.js';
import { Link } from '../router.js';
import { Icon } from '../shell/icons.js';
import { ConnectionsCard } from './connections-card.js';
import styles from './landing-page.module.css';
import { Pane } from './pane.js';

const ROOM = 'lobby';

export function LandingPage(): ReactElement {
  return (
    <div className={styles.page}>
      <div className={styles.intro}>
        <div>
          <h1 className={styles.title}>Two clients, one room</h1>
          <p className={styles.words}>
            Ada and Bob each have a connection of their own to this server. Write as one and read it as the other. The
            Wire shows every frame on the way.
          </p>
        </div>
        <a className="button" href={roomAddress(ROOM)} target="_blank" rel="noopener">
          <Icon name="out" /> Open another window
        </a>
      </div>
      <div className={styles.panes}>
        <Pane client={clientFor('ada')} room={ROOM} focused />
        <Pane client={clientFor('bob')} room={ROOM} />
      </div>
      <div className={styles.cards}>
        <section className={styles.card} aria-labelledby="try">
          <h2 className={styles.heading} id="try">
            Try this
          </h2>
          <ol className={styles.steps}>
            <li>
              Stop the server with <kbd>Ctrl</kbd> <kbd>C</kbd> and keep writing. Start it again: every message arrives,
              once, in order.
            </li>
            <li>
              Open <Link href={roomAddress(ROOM)}>the chat</Link>, then come back. Its connection ends with a Close
              frame from each side.
            </li>
            <li>
              Open <Link href="/market">the market</Link> on a slow network: its prices stay as new as the link allows.
            </li>
            <li>Press Wire and look for the handshake: a key goes up, its proof comes down.</li>
          </ol>
        </section>
        <ConnectionsCard />
      </div>
    </div>
  );
}
