// A log of a running app, for server code: each call becomes an append or an amendment of the engine.

import type { Engine } from '@trunkline/core';
import { type Amendment, type Offset, streamName } from '@trunkline/protocol';
import { besideHandle } from './beside-handle.js';
import type { LogServerHandle } from './define/handles.js';
import type { RequestInfo } from './define/trunkline.js';

export function logHandle(
  engine: () => Engine<RequestInfo>,
  channel: string,
  params: readonly string[],
): LogServerHandle<never> {
  type Change = Parameters<Engine<RequestInfo>['amend']>[3];
  const amend = async (entry: Offset, change: Change) => {
    const { offset, at } = await engine().amend(channel, params, entry, change);
    return { offset, at };
  };
  type Any = { kind: 'log'; params: []; input: unknown; stored: unknown; refusal: string; amend: Amendment };
  const handle: LogServerHandle<Any> & ReturnType<typeof besideHandle> = {
    ...besideHandle(engine, channel, params),
    get name() {
      return streamName(channel, params);
    },
    get subscribers() {
      return engine().hub.subscribersOf(streamName(channel, params));
    },
    publish: async (data) => {
      const { offset, at } = await engine().publish(channel, params, data);
      return { offset, at };
    },
    edit: (offset, data) => amend(offset, { edit: data as Change['edit'] & {} }),
    delete: (offset) => amend(offset, { delete: true }),
    react: (offset, reaction) => amend(offset, { react: reaction }),
    unreact: (offset, reaction) => amend(offset, { unreact: reaction }),
  };
  return handle as unknown as LogServerHandle<never>;
}
