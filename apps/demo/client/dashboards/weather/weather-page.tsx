// /weather: about forty stations in one table of the line. What the visitor wants to see is what the server is asked for: all rows or a
// watch list, and how often.

import { type ReactElement, useDeferredValue, useState } from 'react';
import { clientFor } from '../../clients.js';
import { TrunklineProvider, useLine, useTable } from '../../trunkline.js';
import { newestOf, useAges, useSecond } from '../ages.js';
import { Choice } from '../choice.js';
import dashboard from '../dashboard.module.css';
import { FeedNotices, NoReadings, SimulatedLabel } from '../feed-notices.js';
import { RATE_OPTIONS, RATES, type Rate } from '../rates.js';
import { Extremes } from './extremes.js';
import { BY_NAME, isFound, nextOrder, type Place, sorted } from './order.js';
import { StationTable } from './station-table.js';
import type { Unit } from './units.js';
import { useWatchList } from './watch-list.js';
import styles from './weather-page.module.css';

const UNIT_OPTIONS = [
  { value: 'C', words: '°C', title: 'Degrees Celsius' },
  { value: 'F', words: '°F', title: 'Degrees Fahrenheit' },
] as const;

export function WeatherPage(): ReactElement {
  return (
    <TrunklineProvider line={clientFor('visitor').line}>
      <Weather />
    </TrunklineProvider>
  );
}

function Weather(): ReactElement {
  const watched = useWatchList();
  const [isOnlyWatched, setIsOnlyWatched] = useState(false);
  const [rate, setRate] = useState<Rate>('each');
  const [unit, setUnit] = useState<Unit>('C');
  const [words, setWords] = useState('');
  const [order, setOrder] = useState(BY_NAME);
  const searched = useDeferredValue(words);
  const keys = isOnlyWatched ? { keys: watched.keys } : {};
  const view = useTable(useLine().channel.weather(), { ...RATES[rate].interest, ...keys });
  const nowMs = useSecond();
  const ageOf = useAges(view.rows, view.state === 'live', nowMs);

  const newest = newestOf(view.rows);
  const all = [...view.rows];
  const places = sorted(
    all.filter(([, row]) => isFound(row, searched)),
    order,
  );
  return (
    <div className={dashboard.page}>
      <div className={dashboard.head}>
        <h1 className={dashboard.title}>Weather</h1>
        <SimulatedLabel />
        <p className={dashboard.words}>
          A Python program makes up these readings and sends them over HTTP.{' '}
          <span className={dashboard.long}>
            The page is one subscription: choose which places you follow, and how often, and look at the Wire.
          </span>
        </p>
      </div>
      <div className={dashboard.tools}>
        <Choice
          label="Places"
          options={[
            { value: 'all', words: 'All' },
            { value: 'watched', words: `Watched (${watched.keys.length})` },
          ]}
          value={isOnlyWatched ? 'watched' : 'all'}
          onChange={(value) => setIsOnlyWatched(value === 'watched')}
        />
        <Choice label="Updates" options={RATE_OPTIONS} value={rate} onChange={setRate} />
        <Choice label="Unit" options={UNIT_OPTIONS} value={unit} onChange={setUnit} />
        <input
          className={`field ${styles.search}`}
          type="search"
          aria-label="Find a place"
          placeholder="Find a place"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
      </div>
      <FeedNotices
        state={view.state}
        error={view.error}
        ageMs={newest === undefined ? undefined : ageOf(newest)}
        unit="reading"
        isPaused={rate === 'paused'}
      />
      {all.length > 0 && <Extremes places={all} unit={unit} />}
      <Stations
        places={places}
        hasRows={all.length > 0}
        isNoneWatched={isOnlyWatched && watched.keys.length === 0}
        words={searched}
        nothing={<NoReadings state={view.state} what="readings" />}
      >
        <StationTable
          places={places}
          unit={unit}
          order={order}
          onOrder={(column) => setOrder(nextOrder(order, column))}
          watched={watched}
          ageOf={ageOf}
        />
      </Stations>
    </div>
  );
}

interface StationsProps {
  readonly places: readonly Place[];
  readonly hasRows: boolean;
  readonly isNoneWatched: boolean;
  readonly words: string;
  readonly nothing: ReactElement;
  readonly children: ReactElement;
}

/** The table, or why there is none. */
function Stations({ places, hasRows, isNoneWatched, words, nothing, children }: StationsProps): ReactElement {
  if (isNoneWatched) {
    return (
      <div className={dashboard.empty}>
        <p className={dashboard.emptyTitle}>You watch no place yet</p>
        <p>Choose “All” and press the star of a place. The server then sends nothing but the places that you watch.</p>
      </div>
    );
  }
  if (!hasRows) return nothing;
  if (places.length === 0) {
    return (
      <div className={dashboard.empty}>
        <p className={dashboard.emptyTitle}>No place is called “{words.trim()}”</p>
        <p>Names, countries, parts of the world and the sky are looked through.</p>
      </div>
    );
  }
  return children;
}
