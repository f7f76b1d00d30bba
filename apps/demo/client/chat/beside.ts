// What stands beside a room's messages: who is here, who has read what, who is typing. What has no way over HTTP requests is left out there:
// signals.

import type { Line } from '@trunkline/client';
import { useMemo } from 'react';
import { type App, useLine } from '../trunkline.js';
import type { Way } from './rooms.js';

type Handle = ReturnType<Line<App>['channel']['chat']>;
export type Beside = Pick<
  Handle,
  'presence' | 'readers' | 'mark' | 'unread' | 'follow' | 'unfollow' | 'signal' | 'signals' | '~signals'
>;

/** Somebody, as others see them. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

export function useBeside(room: string, way: Way): Beside {
  const line = useLine();
  const handle = line.channel.chat(room);
  return useMemo(() => (way === 'chat' ? handle : { ...handle, ...SILENT }), [handle, way]);
}

const NOBODY: never[] = [];
const SILENCE = { subscribe: () => () => {}, snapshot: () => NOBODY, serverSnapshot: () => NOBODY };
const SILENT: Pick<Beside, 'signal' | 'signals'> = {
  signal: () => {},
  signals: () => SILENCE,
};
