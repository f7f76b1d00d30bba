// For addresses that are no page. The server says 404 too.

import type { ReactElement } from 'react';
import styles from './missing-page.module.css';
import { Link } from './router.js';

export function MissingPage({ path }: { path: string }): ReactElement {
  return (
    <div className={styles.page}>
      <p className={styles.code}>404</p>
      <h1 className={styles.title}>Nothing is at this address</h1>
      <p className={styles.words}>
        <code>{path}</code> is no page of this demo. A chat room is at <code>/chat/</code> and its name.
      </p>
      <p className={styles.ways}>
        <Link className="button primary" href="/">
          Start page
        </Link>
        <Link className="button" href="/chat/lobby">
          The lobby
        </Link>
      </p>
    </div>
  );
}
