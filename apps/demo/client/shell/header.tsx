// The slim header of every page.

import type { ReactElement } from 'react';
import type { DemoClient } from '../clients.js';
import { Link, type Route } from '../router.js';
import { switchTheme, useTheme } from '../theme.js';
import { ConnectionState, useConnectionOf } from './connection-state.js';
import styles from './header.module.css';
import { Icon, Mark } from './icons.js';

interface HeaderProps {
  readonly route: Route;
  readonly clients: readonly DemoClient[];
  readonly wireOpen: boolean;
  readonly onWire: () => void;
}

export function Header({ route, clients, wireOpen, onWire }: HeaderProps): ReactElement {
  const theme = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <header className={styles.header} data-page={route.page}>
      <Link href="/" className={styles.brand} aria-current={route.page === 'landing' ? 'page' : undefined}>
        <Mark /> <span className={styles.name}>Trunkline</span>
      </Link>
      <nav className={styles.nav} aria-label="Demos">
        <Link href="/chat/lobby" className={styles.item} aria-current={route.page === 'chat' ? 'page' : undefined}>
          Chat
        </Link>
        <Link
          href="/polling/lobby"
          className={styles.item}
          aria-current={route.page === 'polling' ? 'page' : undefined}
        >
          Polling
        </Link>
        <Link href="/market" className={styles.item} aria-current={route.page === 'market' ? 'page' : undefined}>
          Market
        </Link>
        <Link href="/weather" className={styles.item} aria-current={route.page === 'weather' ? 'page' : undefined}>
          Weather
        </Link>
        <Link href="/sports" className={styles.item} aria-current={route.page === 'sports' ? 'page' : undefined}>
          Sports
        </Link>
      </nav>
      <div className={styles.connection}>
        {route.page === 'landing' ? <Summary clients={clients} /> : <Single clients={clients} />}
      </div>
      <div className={styles.tools}>
        <button
          className="button quiet icon"
          type="button"
          onClick={switchTheme}
          aria-label={`Switch to ${other} colours`}
          title={`Switch to ${other} colours`}
        >
          <Icon name={theme === 'dark' ? 'sun' : 'moon'} />
        </button>
        <button className={`button ${styles.wire}`} type="button" aria-pressed={wireOpen} onClick={onWire}>
          <Icon name="wire" /> Wire
        </button>
      </div>
    </header>
  );
}

function Single({ clients }: { clients: readonly DemoClient[] }): ReactElement | null {
  const client = clients[0];
  return client === undefined ? null : <ConnectionState line={client.line} />;
}

/** The landing page has two: the header says the sum, or names the one that has trouble. */
function Summary({ clients: [ada, bob] }: { clients: readonly DemoClient[] }): ReactElement | null {
  if (ada === undefined || bob === undefined) return null;
  return <TwoStates ada={ada} bob={bob} />;
}

function TwoStates({ ada, bob }: { ada: DemoClient; bob: DemoClient }): ReactElement {
  const states = [useConnectionOf(ada.line).state, useConnectionOf(bob.line).state];
  if (states.every((state) => state === 'live')) {
    return (
      <span className={styles.sum}>
        2 <span className={styles.long}>connections </span>live
      </span>
    );
  }
  return <ConnectionState line={(states[0] === 'live' ? bob : ada).line} />;
}
