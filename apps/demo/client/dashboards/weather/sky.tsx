// The sky as a small picture, beside its word.

import type { ReactElement } from 'react';
import type { Station } from '../../../server/feeds/rows.js';

const CLOUD = 'M5 12.500h6.500a2.600 2.600 0 0 0 .3-5.200A3.800 3.800 0 0 0 4.600 7 2.800 2.800 0 0 0 5 12.500z';
const HIGH_CLOUD = 'M5 9.800h6.500a2.500 2.500 0 0 0 .3-5A3.700 3.700 0 0 0 4.700 4.600 2.650 2.650 0 0 0 5 9.800z';

const PATHS: Record<Station['condition'], string> = {
  clear:
    'M8 5.200a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600M8 1.500v1.300M8 13.200v1.300M1.500 8h1.300M13.200 8h1.300M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9',
  'partly cloudy':
    'M4.600 6.200A2.400 2.400 0 1 1 8.700 4M6.500.900v1M2.200 2.800l.7.700M1 7h1M6 13h6a2.300 2.300 0 0 0 .2-4.600 3.300 3.300 0 0 0-6.300-.2A2.450 2.450 0 0 0 6 13z',
  cloudy: CLOUD,
  fog: 'M2.500 5h8M4.500 8h9M2.500 11h7M12 11h1.500M12.800 5h.7',
  drizzle: `${HIGH_CLOUD}M6 12v1M10 12v1`,
  rain: `${HIGH_CLOUD}M5.500 11.800l-.6 2M8.300 11.800l-.6 2M11.100 11.800l-.6 2`,
  thunderstorm: `${HIGH_CLOUD}M8.700 10.500l-1.500 2.200h2L7.700 15`,
  snow: `${HIGH_CLOUD}M5.500 12.200v.1M8 14v.1M8 12v.1M10.500 12.200v.1`,
};

export function Sky({ condition }: { condition: Station['condition'] }): ReactElement {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.3"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      style={{ flex: 'none' }}
    >
      <path d={PATHS[condition]} />
    </svg>
  );
}
