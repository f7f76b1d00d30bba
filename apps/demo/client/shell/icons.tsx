// Icons, drawn inline on a 16-unit grid in the colour of the text beside them. They are never the only name of a thing.

import type { ReactElement } from 'react';

const PATHS = {
  alert: 'M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.2v.1',
  arrowDown: 'M8 3v10M4 9l4 4 4-4',
  check: 'm3 8.5 3.2 3.2L13 4.8',
  clear: 'M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
  clock: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2M8 5v3.2l2.2 1.3',
  close: 'm4 4 8 8M12 4l-8 8',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  image: 'M2.500 3h11v10h-11zM2.500 11l3.500-3.500 2.500 2.500 2-2 3 3M10.300 5.800v.1',
  link: 'M6.700 9.300l2.600-2.600M7.200 4.800l1.600-1.600a2.800 2.800 0 0 1 4 4l-1.600 1.600M8.800 11.200l-1.600 1.600a2.800 2.800 0 0 1-4-4l1.600-1.600',
  moon: 'M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z',
  out: 'M6.5 3h-3.500v10h10V9.500M9 3h4v4M13 3 7.500 8.500',
  pause: 'M5.500 3.500v9M10.500 3.500v9',
  pencil: 'M3 13l.7-3L11 2.700l2.300 2.300L6 12.300z',
  people:
    'M6 8a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5M1.500 13.500c0-2.500 2-4 4.500-4s4.500 1.500 4.500 4M10.500 3.300a2.500 2.500 0 0 1 0 4.500M12 9.900c1.600.5 2.500 1.800 2.500 3.600',
  play: 'M5 3.200v9.600L12.500 8z',
  plus: 'M8 3.500v9M3.500 8h9',
  reply: 'M6.500 3.500L2.500 7.500l4 4M2.500 7.500h6.500c2.500 0 4.500 1.500 4.500 5',
  search: 'M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9M10.300 10.300l3.500 3.500',
  send: 'M8 13V3.500M4 7.500l4-4 4 4',
  smile:
    'M8 2.200a5.800 5.800 0 1 1 0 11.600A5.800 5.800 0 0 1 8 2.200M5.500 9.500c1.200 1.800 3.800 1.800 5 0M6 6.300v.1M10 6.300v.1',
  sun: 'M8 5.200a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600M8 1.500v1.300M8 13.200v1.300M1.500 8h1.300M13.200 8h1.300M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9',
  wire: 'M3 2v12M13 2v12M3 5.500h8M9 3.700l2 1.800-2 1.800M13 10.500H5M7 8.700l-2 1.800 2 1.800',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      style={{ flex: 'none' }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The name's sign: many ends on one line. */
export function Mark(): ReactElement {
  return (
    <svg width="20" height="20" viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" fill="var(--accent)" />
      <path
        d="M5 8.500h14M12 8.500V18"
        fill="none"
        stroke="var(--on-accent)"
        strokeWidth="2.400"
        strokeLinecap="round"
      />
      <circle cx="5" cy="8.500" r="2" fill="var(--on-accent)" />
      <circle cx="19" cy="8.500" r="2" fill="var(--on-accent)" />
    </svg>
  );
}
