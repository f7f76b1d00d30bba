// From what a client sent to the text that is stored: schema, then the channel's hook. The same for a publish and for an edit.

import { type JsonValue, TrunklineError } from '@trunkline/protocol';
import type { Edited, Identity, LogRuntime, Validated } from './app.js';
import { madeText } from './payload-text.js';
import type { Log } from './ports.js';
import { runHook } from './run-hook.js';

export interface Making {
  readonly channel: LogRuntime;
  readonly params: readonly string[];
  readonly present: () => Identity;
  readonly producer: string;
  readonly seq: number;
}

/** What the schema makes of it. Rejects with TrunklineError `invalid`, `internal`. */
export async function validated(log: Log, channel: LogRuntime, data: JsonValue): Promise<unknown> {
  return validValue(await runHook(log, 'the schema failed', () => channel.validate(data)));
}

/** @throws TrunklineError `invalid` */
export function validValue(checked: Validated): unknown {
  if ('problem' in checked) throw new TrunklineError('invalid', checked.problem);
  return checked.value;
}

/**
 * What is stored, as JSON text. Rejects with TrunklineError `refused`, `too_large`, `internal`.
 * @param data as it was sent @param given its text @param entry what the schema made of it @param edits the entry as it was, of an edit
 */
export async function madeEntry(
  log: Log,
  maxEntryBytes: number,
  { channel: { onPublish }, params, present, producer, seq }: Making,
  { data, given, entry, edits }: { data: JsonValue; given: string; entry: unknown; edits?: Edited },
): Promise<string> {
  if (onPublish === undefined) {
    return entry === data ? given : madeText('entry', entry, maxEntryBytes, 'the schema made', log);
  }
  const { user } = present();
  const call = { entry, user, params, source: { producer, seq } };
  const result = await runHook(log, 'onPublish failed', () =>
    onPublish(edits === undefined ? call : { ...call, edits }),
  );
  if ('refusal' in result) {
    throw new TrunklineError('refused', result.refusal.message, { refusal: result.refusal.code });
  }
  const store = result.store === undefined ? entry : result.store;
  return madeText('entry', store, maxEntryBytes, 'onPublish returned', log);
}
