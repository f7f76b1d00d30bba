// "Slow network": the same ticks over two slow links, side by side, and how old each of them shows them.

import { type ReactElement, useEffect, useId, useState } from 'react';
import { type ChartData, type ChartLine, TimeChart } from '../../charts/time-chart.js';
import { useLine } from '../../trunkline.js';
import { useSession } from '../use-market.js';
import { age } from '../words.js';
import { type ArmNow, type ComparisonNow, compare } from './compare.js';
import styles from './slow-network.module.css';

const SPEEDS = [2, 4, 8, 16] as const;
const LINES: readonly ChartLine[] = [
  { label: 'Table', colour: '--up' },
  { label: 'Plain feed', colour: '--down', dashed: true },
];
/** Two minutes of samples. */
const SAMPLES_MAX = 600;
const axisWords = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

export function SlowNetwork(): ReactElement {
  const [isOn, setOn] = useState(false);
  const [speed, setSpeed] = useState<number>(4);
  const id = useId();
  return (
    <section className={styles.card} aria-labelledby={`${id}-title`}>
      <div className={styles.head}>
        <label className={styles.switch}>
          <input type="checkbox" role="switch" aria-checked={isOn} checked={isOn} onChange={() => setOn(!isOn)} />
          <span className={styles.track} aria-hidden="true" />
          <span className={styles.title} id={`${id}-title`}>
            Slow network
          </span>
        </label>
        <label className={styles.speed}>
          <span>Speed of each link</span>
          <select className="field" value={speed} onChange={(event) => setSpeed(Number(event.target.value))}>
            {SPEEDS.map((one) => (
              <option key={one} value={one}>
                {one} KB/s
              </option>
            ))}
          </select>
        </label>
      </div>
      <p className={styles.words}>
        Two more connections of this page, each over a link that passes only so many bytes a second, follow the same
        ticks of all 500 symbols. A table sends each symbol’s newest price when the link is free for it. A plain feed
        sends every tick in turn, so what does not pass waits, and grows old.
      </p>
      {isOn && <Comparison key={speed} bytesPerSecond={speed * 1024} />}
    </section>
  );
}

function Comparison({ bytesPerSecond }: { bytesPerSecond: number }): ReactElement {
  const line = useLine();
  const isHalted = useSession()?.state === 'halted';
  const [samples, setSamples] = useState<readonly ComparisonNow[]>([]);
  useEffect(
    () => compare(line, bytesPerSecond, (now) => setSamples((all) => [...all, now].slice(-SAMPLES_MAX))),
    [line, bytesPerSecond],
  );
  const now = samples.at(-1);
  const data: ChartData = [
    samples.map(({ seconds }) => seconds),
    samples.map(({ table }) => table.ageMs),
    samples.map(({ plain }) => plain.ageMs),
  ];
  return (
    <>
      <dl className={styles.arms}>
        <Arm name="Table, conflated" arm="table" now={now?.table} seconds={now?.seconds} />
        <Arm name="Plain feed, every tick" arm="plain" now={now?.plain} seconds={now?.seconds} />
      </dl>
      <TimeChart
        label={`Age of the newest price over time: ${ageWords(now?.table)} in the table, ${ageWords(now?.plain)} in the plain feed`}
        lines={LINES}
        data={data}
        isTime={false}
        yMin={0}
        format={axisWords}
        heightPx={160}
      />
      <p className={styles.words}>
        {isHalted
          ? 'Trading is halted: nothing new is sent, so what is shown is as old as the halt, and the plain feed catches up.'
          : 'Measured in this page: the time since the exchange made the newest price that has come through each link.'}
      </p>
    </>
  );
}

interface ArmProps {
  readonly name: string;
  readonly arm: string;
  readonly now: ArmNow | undefined;
  readonly seconds: number | undefined;
}

function Arm({ name, arm, now, seconds = 0 }: ArmProps): ReactElement {
  const perSecond = now === undefined || seconds === 0 ? 0 : now.bytes / seconds;
  return (
    <div className={styles.arm} data-arm={arm}>
      <dt>{name}</dt>
      <dd>
        <span className={styles.age} data-part="age" data-age-ms={now?.ageMs ?? undefined}>
          {ageWords(now)}
        </span>
        <span className={styles.detail}>{now?.problem ?? `${(perSecond / 1024).toFixed(1)} KB/s passed`}</span>
      </dd>
    </div>
  );
}

function ageWords(now: ArmNow | undefined): string {
  return now === undefined || now.ageMs === null ? 'waiting' : `${age(now.ageMs)} old`;
}
