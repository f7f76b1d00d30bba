// A short series as a line without axes: whether it rises or falls, and where it is now.

import type { ReactElement } from 'react';
import styles from './sparkline.module.css';

interface SparklineProps {
  /** Oldest first. */
  readonly values: readonly number[];
  /** What it shows, in words. */
  readonly label: string;
}

const WIDTH = 96;
const HEIGHT = 24;
const EDGE = 3;
/** Values that differ by less than this fill the height all the same: a calm line looks calm. */
const LEAST_RANGE = 1;

export function Sparkline({ values, label }: SparklineProps): ReactElement | null {
  const last = values.at(-1);
  if (last === undefined || values.length < 2) return null;
  const least = Math.min(...values);
  const most = Math.max(...values);
  const range = Math.max(LEAST_RANGE, most - least);
  const middle = (least + most) / 2;
  const x = (index: number) => EDGE + (index / (values.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (value: number) => HEIGHT / 2 - ((value - middle) / range) * (HEIGHT - 2 * EDGE);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return (
    <svg className={styles.spark} width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img">
      <title>{label}</title>
      <polyline points={points} className={styles.line} />
      <circle cx={x(values.length - 1)} cy={y(last)} r="2" className={styles.end} />
    </svg>
  );
}
