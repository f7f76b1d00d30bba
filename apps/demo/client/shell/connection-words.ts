// A connection's state in words: the same ones wherever it is shown.

import type { ConnectionSnapshot } from '@trunkline/client';

/** What the dot beside the words looks like. */
export type Tone = 'up' | 'busy' | 'down' | 'off';

export interface ConnectionWords {
  readonly tone: Tone;
  readonly words: string;
}

export function connectionWords(connection: ConnectionSnapshot<unknown>, nowMs: number): ConnectionWords {
  switch (connection.state) {
    case 'live': {
      const { rttMs } = connection;
      return { tone: 'up', words: rttMs === undefined ? 'live' : `live · ${milliseconds(rttMs)}` };
    }
    case 'connecting':
      return { tone: 'busy', words: 'connecting' };
    case 'waiting': {
      const left = Math.max(0, (connection.retryAtMs ?? nowMs) - nowMs);
      return { tone: 'busy', words: left < 50 ? 'reconnecting' : `reconnecting in ${(left / 1000).toFixed(1)} s` };
    }
    case 'offline':
      return { tone: 'down', words: 'offline' };
    case 'refused':
      return { tone: 'down', words: `refused: ${connection.reason ?? 'the server gave no reason'}` };
    case 'closed':
    case 'idle':
      return { tone: 'off', words: endWords(connection) };
  }
}

/** How the last connection ended; "not connected" before the first. */
function endWords({ lastClose }: ConnectionSnapshot<unknown>): string {
  if (lastClose === undefined) return 'not connected';
  return `closed ${lastClose.code}, ${lastClose.wasClean ? 'acknowledged' : 'not acknowledged'}`;
}

/** 0.4 ms, 12 ms, 1,204 ms */
export function milliseconds(ms: number): string {
  return ms < 1 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString('en')} ms`;
}
