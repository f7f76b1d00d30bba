// The places that stand out: the warmest, the coldest, the windiest and the one under the lowest pressure.

import type { ReactElement } from 'react';
import type { Station } from '../../../server/feeds/rows.js';
import { Ticking } from '../ticking.js';
import styles from './extremes.module.css';
import type { Place } from './order.js';
import { pressureText, temperatureText, type Unit, windText } from './units.js';

/** Fewer have no extremes. */
const LEAST_PLACES = 4;

export function Extremes({ places, unit }: { places: readonly Place[]; unit: Unit }): ReactElement | null {
  if (places.length < LEAST_PLACES) return null;
  const rows = places.map(([, row]) => row);
  const most = (value: (row: Station) => number) => rows.reduce((a, b) => (value(b) > value(a) ? b : a));
  const warmest = most((row) => row.temperature);
  const coldest = most((row) => -row.temperature);
  const windiest = most((row) => row.wind);
  const lowest = most((row) => -row.pressure);
  return (
    <dl className={styles.tiles}>
      <Tile
        name="Warmest"
        row={warmest}
        value={warmest.temperature}
        text={temperatureText(warmest.temperature, unit)}
      />
      <Tile
        name="Coldest"
        row={coldest}
        value={coldest.temperature}
        text={temperatureText(coldest.temperature, unit)}
      />
      <Tile name="Windiest" row={windiest} value={windiest.wind} text={windText(windiest.wind)} />
      <Tile name="Lowest pressure" row={lowest} value={lowest.pressure} text={pressureText(lowest.pressure)} />
    </dl>
  );
}

interface TileProps {
  readonly name: string;
  readonly row: Station;
  readonly value: number;
  readonly text: string;
}

function Tile({ name, row, value, text }: TileProps): ReactElement {
  return (
    <div className={styles.tile}>
      <dt className={styles.name}>{name}</dt>
      <dd className={styles.value}>
        <Ticking value={value}>{text}</Ticking>
      </dd>
      <dd className={styles.place}>{row.place}</dd>
    </div>
  );
}
