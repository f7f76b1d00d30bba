// Calls of the port, as the writing thread is told of them.

import type { Amendment, AppendOptions, ChangeOptions, NewEntry, RowChange } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { keyText } from './key-text.js';
import { type AmendCall, type AppendCall, type ChangeCall, pack } from './messages.js';

/** The caller's object is the caller's again. */
export function copyOf({ at, data, user, owner, source }: NewEntry): NewEntry {
  const copy: { -readonly [Field in keyof NewEntry]: NewEntry[Field] } = { at, data, user };
  if (owner !== undefined) copy.owner = owner;
  if (source !== undefined) copy.source = { producer: source.producer, seq: source.seq };
  return copy;
}

export function appendCall(
  name: StreamName,
  entries: readonly NewEntry[],
  newEpoch: string,
  { fence, retain, after, outbox }: AppendOptions,
): AppendCall {
  return {
    type: 'append',
    stream: keyText(name),
    entries: pack(entries),
    newEpoch,
    ...(fence === undefined ? {} : { fence }),
    ...(after === undefined ? {} : { after }),
    ...(retain === undefined ? {} : { retain: { ...retain } }),
    ...(outbox === undefined ? {} : { outbox }),
  };
}

/** As `copyOf`. */
export function amendmentOf({ offset, expects, state, ...entry }: Amendment): Amendment {
  return { ...copyOf(entry), offset, expects, state };
}

export function amendCall(
  name: StreamName,
  { offset, expects, data, state, at, user, owner, source }: Amendment,
  { fence, after, outbox }: Pick<AppendOptions, 'fence' | 'after' | 'outbox'>,
): AmendCall {
  return {
    ...{ type: 'amend', stream: keyText(name), offset, expects, data, state, at, user },
    owner: owner === undefined ? null : keyText(owner),
    ...(source === undefined ? {} : { source: { producer: keyText(source.producer), seq: source.seq } }),
    ...(fence === undefined ? {} : { fence }),
    ...(after === undefined ? {} : { after }),
    ...(outbox === undefined ? {} : { outbox }),
  };
}

export function changeCall(
  name: StreamName,
  step: readonly RowChange[],
  newEpoch: string,
  { source, fence, after, tombstones, maxRows }: ChangeOptions,
): ChangeCall {
  return {
    type: 'change',
    stream: keyText(name),
    step,
    newEpoch,
    ...(source === undefined ? {} : { source: { producer: keyText(source.producer), seq: source.seq } }),
    ...(fence === undefined ? {} : { fence }),
    ...(after === undefined ? {} : { after }),
    ...(tombstones === undefined ? {} : { tombstones }),
    ...(maxRows === undefined ? {} : { maxRows }),
  };
}
