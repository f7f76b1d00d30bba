// The stations as a table that can be sorted by any column.

import type { ReactElement } from 'react';
import type { AgeOf } from '../ages.js';
import { agoWords } from '../ages.js';
import type { Column, Order, Place } from './order.js';
import { StationRow } from './station-row.js';
import styles from './station-table.module.css';
import type { Unit } from './units.js';
import type { WatchList } from './watch-list.js';

interface StationTableProps {
  readonly places: readonly Place[];
  readonly unit: Unit;
  readonly order: Order;
  readonly onOrder: (column: Column) => void;
  readonly watched: WatchList;
  readonly ageOf: AgeOf;
}

/** Left out where there is no room, the `wider` ones first. Phones show the most of it below the name. */
const COLUMNS: readonly { column: Column; words: string; isNumber?: true; room?: 'wide' | 'wider' }[] = [
  { column: 'place', words: 'Place' },
  { column: 'condition', words: 'Sky', room: 'wide' },
  { column: 'temperature', words: 'Temperature', isNumber: true },
  { column: 'wind', words: 'Wind', isNumber: true, room: 'wide' },
  { column: 'humidity', words: 'Humidity', isNumber: true, room: 'wider' },
  { column: 'pressure', words: 'Pressure', isNumber: true, room: 'wider' },
  { column: 'at', words: 'Updated', isNumber: true, room: 'wide' },
];

export function StationTable({ places, unit, order, onOrder, watched, ageOf }: StationTableProps): ReactElement {
  const head = (column: Column) => {
    const found = COLUMNS.find((one) => one.column === column);
    return found && <Head key={column} {...found} order={order} onOrder={onOrder} />;
  };
  return (
    <div className={styles.frame}>
      <table className={styles.table}>
        <caption className="hidden">Simulated weather by place</caption>
        <thead>
          <tr>
            <th className={styles.star} scope="col">
              <span className="hidden">Watch</span>
            </th>
            {head('place')}
            {head('condition')}
            {head('temperature')}
            <th className={styles.trend} scope="col">
              Trend
            </th>
            {head('wind')}
            {head('humidity')}
            {head('pressure')}
            {head('at')}
          </tr>
        </thead>
        <tbody>
          {places.map(([key, row]) => (
            <StationRow
              key={key}
              id={key}
              row={row}
              unit={unit}
              isWatched={watched.has(key)}
              onWatch={watched.toggle}
              age={agoWords(ageOf(row.at))}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps {
  readonly column: Column;
  readonly words: string;
  readonly isNumber?: true;
  readonly room?: 'wide' | 'wider';
  readonly order: Order;
  readonly onOrder: (column: Column) => void;
}

function Head({ column, words, isNumber, room, order, onOrder }: HeadProps): ReactElement {
  const direction = order.column !== column ? undefined : order.isDescending ? 'descending' : 'ascending';
  return (
    <th
      className={`${isNumber ? styles.number : ''} ${room ? styles.wide : ''} ${room === 'wider' ? styles.wider : ''}`}
      scope="col"
      {...(direction === undefined ? {} : { 'aria-sort': direction })}
    >
      <button type="button" className={styles.sort} onClick={() => onOrder(column)}>
        {words}
        <span className={styles.arrow} aria-hidden="true">
          {direction === undefined ? '' : direction === 'ascending' ? '↑' : '↓'}
        </span>
      </button>
    </th>
  );
}
