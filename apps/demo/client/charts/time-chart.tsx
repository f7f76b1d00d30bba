// A chart over time, drawn by uPlot: as wide as its place, in the theme's colours, and drawn at most once a frame however often its data changes.

import { type ReactElement, useEffect, useRef } from 'react';
import uPlot, { type AlignedData, type Options } from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../theme.js';
import { decimalsOf } from './decimals.js';
import styles from './time-chart.module.css';

export interface ChartLine {
  readonly label: string;
  /** A custom property of the theme: `--accent`. */
  readonly colour: string;
  /** Fills the space below it, faintly. */
  readonly filled?: boolean;
  /** Dashed, so that it is told from another one without colours. */
  readonly dashed?: boolean;
}

/** Where the points are: x, then the values of each line. Handed in again when there are more. */
export type ChartData = AlignedData;

interface TimeChartProps {
  /** Says in words what is to be seen. */
  readonly label: string;
  readonly lines: readonly ChartLine[];
  readonly data: ChartData;
  /** Whether x is a moment, in seconds since 1970; else it is a number of seconds. */
  readonly isTime: boolean;
  /** @param decimals the least that tells marks of the axis apart; absent for a value of the data. */
  readonly format: (value: number, decimals?: number) => string;
  /** The least that the y axis shows. Default: what the data has. */
  readonly yMin?: number;
  readonly heightPx: number;
}

export function TimeChart(props: TimeChartProps): ReactElement {
  const { label, data, heightPx, lines, isTime, yMin } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const reading = useRef<HTMLParagraphElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const theme = useTheme();
  const shape = JSON.stringify([lines, isTime, yMin]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `theme` gives other colours, `shape` stands for the lines by their value
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const format: TimeChartProps['format'] = (value, decimals) => latest.current.format(value, decimals);
    const read = (words: string) => {
      if (reading.current !== null) reading.current.textContent = words;
    };
    const options = optionsOf({ ...latest.current, format }, current, read);
    const made = new uPlot(options, latest.current.data, current);
    chart.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: current.clientWidth, height: latest.current.heightPx });
    });
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [theme, shape]);

  useEffect(() => {
    const { current } = place;
    if (current !== null) chart.current?.setSize({ width: current.clientWidth, height: heightPx });
  }, [heightPx]);

  useEffect(() => {
    const frame = requestAnimationFrame(() => chart.current?.setData(data));
    return () => cancelAnimationFrame(frame);
  }, [data]);

  return (
    <div className={styles.place}>
      <div ref={place} className={styles.chart} role="img" aria-label={label} style={{ height: heightPx }} />
      <p ref={reading} className={styles.reading} aria-hidden="true" />
    </div>
  );
}

/** @param read says what stands under the pointer; nothing when there is none. */
function optionsOf(
  { lines, isTime, format, yMin, heightPx }: TimeChartProps,
  place: HTMLElement,
  read: (words: string) => void,
): Options {
  const theme = getComputedStyle(place);
  const colour = (name: string) => theme.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `13px ${theme.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(place.clientWidth, 1),
    height: heightPx,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    hooks: {
      setCursor: [
        ({ cursor: { idx }, data: [xs, ...values] }) => {
          const x = idx === null || idx === undefined ? undefined : xs[idx];
          if (x === undefined || x === null) return read('');
          const at = isTime ? new Date(x * 1000).toLocaleTimeString('en-GB') : `${x.toFixed(1)} s`;
          const told = values.map((of, i) => [lines[i]?.label, of[idx ?? 0]] as const);
          const known = told.flatMap(([label, value]) =>
            typeof value === 'number' ? [`${label} ${format(value)}`] : [],
          );
          read([at, ...known].join(' · '));
        },
      ],
    },
    scales: {
      x: { time: isTime },
      y: { range: (_, low, high) => rangeOf(low, high, yMin) },
    },
    axes: [
      {
        ...axis,
        space: 72,
        size: 28,
        ...(isTime ? { values: clockTimes } : { values: (_, values) => values.map((value) => `${value} s`) }),
      },
      {
        ...axis,
        side: 1,
        size: 76,
        space: 36,
        values: (_, values, __, ___, step) => values.map((value) => format(value, decimalsOf(step))),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, filled, dashed }) => ({
        label,
        stroke: colour(name),
        width: 2,
        points: { show: false },
        ...(filled ? { fill: `color-mix(in srgb, ${colour(name)} 10%, transparent)` } : {}),
        ...(dashed ? { dash: [6, 4] } : {}),
      })),
    ],
  };
}

/** Some room above and below, also where nothing moves, or nothing is there. */
function rangeOf(low: number | null, high: number | null, yMin: number | undefined): [number, number] {
  if (low === null || high === null) return [0, 1];
  const margin = (high - low) * 0.08 || Math.abs(high) * 0.001 || 1;
  return [yMin ?? low - margin, high + margin];
}

function clockTimes(_: uPlot, seconds: number[], __: number, ___: number, incrementSeconds: number): string[] {
  const isLong = incrementSeconds >= 60;
  return seconds.map((at) =>
    new Date(at * 1000).toLocaleTimeString('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      ...(isLong ? {} : { second: '2-digit' }),
    }),
  );
}
