// One station. It renders when its row changes, when its age in words does, and when its star is pressed.

import { memo, type ReactElement } from 'react';
import type { Station } from '../../../server/feeds/rows.js';
import { exactTime } from '../../chat/times.js';
import { Sparkline } from '../sparkline.js';
import { Ticking } from '../ticking.js';
import { Sky } from './sky.js';
import styles from './station-table.module.css';
import { compassPoint, degrees, pressureText, temperatureText, type Unit, windText } from './units.js';

interface StationRowProps {
  readonly id: string;
  readonly row: Station;
  readonly unit: Unit;
  readonly isWatched: boolean;
  readonly onWatch: (key: string) => void;
  /** "12 s ago" */
  readonly age: string;
}

export const StationRow = memo(function StationRow(props: StationRowProps): ReactElement {
  const { id, row, unit, isWatched, onWatch, age } = props;
  const { place, country, condition, temperature, wind, windFrom, humidity, pressure, series, at } = row;
  return (
    <tr data-key={id}>
      <td className={styles.star}>
        <button
          type="button"
          className={styles.watch}
          aria-pressed={isWatched}
          aria-label={`Watch ${place}`}
          title={isWatched ? `Stop watching ${place}` : `Watch ${place}`}
          onClick={() => onWatch(id)}
        >
          <Star />
        </button>
      </td>
      <th className={styles.place} scope="row">
        <span className={styles.name}>{place}</span> <span className={styles.country}>{country}</span>
        <span className={styles.narrow}>
          <Sky condition={condition} /> {condition} · {windText(wind)} · {Math.round(humidity)} % · {age}
        </span>
      </th>
      <td className={styles.wide} data-cell="condition">
        <span className={styles.sky}>
          <Sky condition={condition} /> {condition}
        </span>
      </td>
      <td className={`${styles.number} ${styles.temperature}`} data-cell="temperature">
        <Ticking value={temperature}>{temperatureText(temperature, unit)}</Ticking>
      </td>
      <td className={styles.trend}>
        <Sparkline values={series} label={seriesWords(series, unit)} />
      </td>
      <td className={`${styles.number} ${styles.wide}`} data-cell="wind">
        <Ticking value={wind}>{windText(wind)}</Ticking>
        <span className={styles.from} title={`From ${Math.round(windFrom)}°`}>
          <Arrow from={windFrom} /> {compassPoint(windFrom)}
        </span>
      </td>
      <td className={`${styles.number} ${styles.wide} ${styles.wider}`} data-cell="humidity">
        <Ticking value={humidity}>{Math.round(humidity)} %</Ticking>
      </td>
      <td className={`${styles.number} ${styles.wide} ${styles.wider}`} data-cell="pressure">
        <Ticking value={Math.round(pressure)}>{pressureText(pressure)}</Ticking>
      </td>
      <td className={`${styles.number} ${styles.wide} ${styles.age}`}>
        <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
          {age}
        </time>
      </td>
    </tr>
  );
});

function seriesWords(series: readonly number[], unit: Unit): string {
  return `From ${degrees(Math.min(...series), unit)} to ${degrees(Math.max(...series), unit)} °${unit} lately`;
}

function Star(): ReactElement {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" className={styles.shape}>
      <path d="m8 1.800 1.900 3.900 4.300.600-3.100 3 .700 4.300L8 11.600l-3.800 2 .700-4.300-3.100-3 4.300-.600z" />
    </svg>
  );
}

/** Points where the wind blows to. @param from in degrees */
function Arrow({ from }: { from: number }): ReactElement {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" style={{ rotate: `${from + 180}deg` }}>
      <path d="M6 11V1.500M2.500 5 6 1.500 9.500 5" fill="none" stroke="currentColor" strokeWidth="1.3" />
    </svg>
  );
}
