// What stands beside a log of a running app, for server code.

import type { Engine } from '@trunkline/core';
import { streamName } from '@trunkline/protocol';
import type { MarkersServer, PresenceServer, SignalsServer } from './define/beside.js';
import type { RequestInfo } from './define/trunkline.js';

type AnySignals = SignalsServer<{ readonly [name: string]: { readonly input: unknown; readonly output: unknown } }>;

export function besideHandle(
  engine: () => Engine<RequestInfo>,
  channel: string,
  params: readonly string[],
): PresenceServer & MarkersServer & AnySignals {
  return {
    presence: () => engine().presence.of(streamName(channel, params)),
    mark: (userId, offset) => engine().mark({ type: 'mark', stream: streamName(channel, params), offset }, userId),
    signal: (name, data) => engine().signal(channel, params, name, data),
  };
}
