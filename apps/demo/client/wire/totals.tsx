// The sums below the diagram.

import type { ReactElement } from 'react';
import type { WireTotals } from '../../shared/wire.js';
import { bytes } from './units.js';
import styles from './wire-drawer.module.css';

export function Totals({ totals }: { totals: WireTotals }): ReactElement {
  const frames = totals.framesIn + totals.framesOut;
  const all = totals.bytesIn + totals.bytesOut;
  const overhead = all === 0 ? 0 : ((all - totals.dataBytes) / all) * 100;
  return (
    <dl className={styles.totals}>
      {totals.requests > 0 && <Total name="requests" value={totals.requests.toLocaleString('en')} />}
      {(frames > 0 || totals.requests === 0) && <Total name="frames" value={frames.toLocaleString('en')} />}
      <Total name="client → server" value={bytes(totals.bytesIn)} />
      <Total name="server → client" value={bytes(totals.bytesOut)} />
      <Total name="overhead" value={`${overhead.toFixed(1)} %`} hint={overheadHint(totals, all)} />
    </dl>
  );
}

function Total({ name, value, hint }: { name: string; value: string; hint?: string }): ReactElement {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function overheadHint({ requests, handshakeBytes }: WireTotals, all: number): string {
  const heads = requests === 0 ? '' : 'Heads of requests and answers, ';
  const hint = `${heads}frame headers, masks and control frames, of all ${bytes(all)}.`;
  return `${hint[0]?.toUpperCase()}${hint.slice(1)}${handshakeBytes === 0 ? '' : ` Handshakes took ${bytes(handshakeBytes)} more.`}`;
}
