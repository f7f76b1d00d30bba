// The handshake as the server saw it: an HTTP request that asks to become a WebSocket, and the answer that proves it was understood.

import { Fragment, type ReactElement, useState } from 'react';
import type { WireOpen } from '../../shared/wire.js';
import styles from './handshake.module.css';
import { clockTime } from './units.js';

/** What makes it a WebSocket. The other headers would be the same for a picture. */
const ESSENTIAL = /^(upgrade|connection|origin|sec-websocket-)/i;
const PROOF = /^sec-websocket-(key|accept)$/i;

export function Handshake({ event }: { event: WireOpen }): ReactElement {
  return (
    <section className={styles.handshake} aria-label="Handshake">
      <p className={styles.title}>
        Handshake <span className={styles.time}>{clockTime(event.at)}</span>
      </p>
      <Head head={event.requestHead} direction="in" />
      <Head head={event.responseHead} direction="out" />
    </section>
  );
}

function Head({ head, direction }: { head: string; direction: 'in' | 'out' }): ReactElement {
  const [all, setAll] = useState(false);
  const [first = '', ...lines] = head.split('\n');
  const headers = lines.map(parseHeader);
  const shown = all ? headers : headers.filter(({ name }) => ESSENTIAL.test(name));
  const others = headers.length - headers.filter(({ name }) => ESSENTIAL.test(name)).length;
  return (
    <div className={styles.head} data-direction={direction}>
      <div className={styles.box}>
        <p className={styles.first}>
          <span className="hidden">{direction === 'in' ? 'Request: ' : 'Response: '}</span>
          {first}
        </p>
        {shown.map(({ name, value, key }) => (
          <Fragment key={key}>
            <p className={styles.header} data-essential={/^upgrade$/i.test(name) || PROOF.test(name)}>
              <span className={styles.name}>{name}: </span>
              {value}
            </p>
            {/^sec-websocket-accept$/i.test(name) && (
              <p className={styles.note}>proves that the key was read: SHA-1 of it and a fixed text</p>
            )}
          </Fragment>
        ))}
        {others > 0 && (
          <button className={`link ${styles.more}`} type="button" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Fewer headers' : `${others} more ${others === 1 ? 'header' : 'headers'}`}
          </button>
        )}
      </div>
      <span className={styles.arrow} aria-hidden="true" />
    </div>
  );
}

function parseHeader(line: string, index: number): { name: string; value: string; key: string } {
  const colon = line.indexOf(':');
  return { name: line.slice(0, colon), value: line.slice(colon + 1).trim(), key: `${index} ${line}` };
}
