import type { ReactElement } from 'react';

/** On the watch list or not: filled or hollow. */
export function Star({ filled }: { filled: boolean }): ReactElement {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path
        d="M8 1.8 9.9 5.9l4.4.5-3.300 3 .9 4.4L8 11.600l-3.900 2.200.9-4.400-3.300-3 4.400-.5z"
        fill={filled ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth="1.3"
        strokeLinejoin="round"
      />
    </svg>
  );
}
