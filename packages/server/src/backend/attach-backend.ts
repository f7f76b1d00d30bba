// A back end and an app that meet: which channels ask it, which tell it, and that none does where there is none.

import { hasOutbox } from '@trunkline/broker';
import type { Clock } from '@trunkline/core';
import { partsOf } from '../define/registry.js';
import type { App } from '../define/trunkline.js';
import type { SharedOptions } from '../options.js';
import type { AttachBackend } from '../runtime.js';
import { Backend } from './backend.js';
import { BackendCalls } from './backend-calls.js';
import { guardedLane } from './guarded-lane.js';
import { poster } from './post.js';
import { asking, wantedBy } from './wanted.js';

/** To be called when the broker is ready. Rejects as the broker does. */
export async function startBackend(backend: Backend | null, { broker, log }: SharedOptions): Promise<void> {
  if (backend !== null) await backend.start();
  else if (hasOutbox(broker) && (await broker.waiting(null, 1)).length > 0) {
    log.warn(
      {},
      'entries in the store wait for a back end, and there is none: they are kept until there is, whatever retention says',
    );
  }
}

export interface AttachedBackend {
  readonly backend: Backend | null;
  readonly attach: AttachBackend;
}

/** @throws TypeError if a channel wants a back end and there is none, or somebody is to be told and the broker keeps no outbox. */
export function attachedBackend(app: App, shared: SharedOptions, clock: Clock): AttachedBackend {
  const { backend: options, broker, log } = shared;
  const channels = Object.entries(app.channels).map(([name, definition]) => ({
    name,
    definition,
    parts: partsOf(definition),
  }));
  if (options === null) {
    const astray = channels.find(({ parts }) => (parts.backend ?? []).length > 0);
    // Without it the channel would be open to everybody.
    if (astray) throw new TypeError(`${astray.name} asks a back end: give serve one, backend: { url, secret }`);
    return { backend: null, attach: (_, runtime) => runtime };
  }
  const told = channels.filter(({ parts }) => wantedBy(parts).has('publish.after'));
  const nowMs = () => clock.nowMs();
  const backend = new Backend({
    calls: new BackendCalls(poster(options, nowMs), guardedLane(options, log, nowMs)),
    options,
    broker,
    log,
    clock,
    told: new Map(told.map(({ name, definition }) => [name, { params: definition.params }])),
  });
  return {
    backend,
    attach: (name, runtime, parts, userOf) => asking(name, runtime, wantedBy(parts), backend.rules, userOf),
  };
}
