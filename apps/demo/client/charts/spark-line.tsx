// A line the size of a word. What it says stands beside it in figures, so it has no words of its own.

import type { ReactElement } from 'react';
import styles from './spark-line.module.css';

const WIDTH = 64;
const HEIGHT = 20;

export function SparkLine({ values }: { values: readonly number[] }): ReactElement {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (i: number) => (i / Math.max(values.length - 1, 1)) * WIDTH;
  const y = (value: number) => (high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4));
  const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const isUp = (values.at(-1) ?? 0) >= (values[0] ?? 0);
  return (
    <svg
      className={styles.line}
      data-direction={isUp ? 'up' : 'down'}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      {values.length > 1 && <polyline points={points} />}
    </svg>
  );
}
