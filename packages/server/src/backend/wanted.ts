// Which of the three requests a channel wants, and its runtime with the back end as a rule of its own.

import type { ChannelRuntime, HookResult, PublishCall } from '@trunkline/core';
import { type JsonValue, streamName } from '@trunkline/protocol';
import type { ChannelParts } from '../define/registry.js';
import { REQUEST_TYPES, type RequestType, type ToldStream, type ToldUser } from './requests.js';
import type { BackendRules } from './rules.js';

/** What it says itself, or: all that is possible for a channel without hooks in process, nothing for one that has any. */
export function wantedBy(parts: ChannelParts): ReadonlySet<RequestType> {
  if (parts.backend !== undefined) return new Set(parts.backend);
  const hasHooks = parts.authorize !== undefined || (parts.kind === 'log' && parts.onPublish !== undefined);
  if (hasHooks) return new Set();
  return new Set(parts.kind === 'log' ? REQUEST_TYPES : ['authorize']);
}

/** A channel's runtime that asks the back end too, after its own rules. */
export function asking(
  name: string,
  runtime: ChannelRuntime,
  wanted: ReadonlySet<RequestType>,
  rules: Pick<BackendRules, 'authorize' | 'before'>,
  userOf: (user: unknown) => ToldUser & { readonly id: string },
): ChannelRuntime {
  const told = (params: readonly string[]) => toldStream(name, runtime.params, params);
  const { authorize: own } = runtime;
  const authorize: NonNullable<ChannelRuntime['authorize']> = async (user, params, action, amend) => {
    if (own !== undefined && (await own(user, params, action, amend)) !== true) return false;
    return rules.authorize(told(params), userOf(user), action, amend);
  };
  const ruled = wanted.has('authorize') ? { authorize } : {};
  if (runtime.kind === 'table') return { ...runtime, ...ruled };
  const { onPublish: hook, moderate } = runtime;
  // It was asked with `isOwn`, and so has said that, too; unless the app keeps that for itself.
  const moderated = wanted.has('authorize') && moderate === undefined ? { moderate: () => true } : {};
  const onPublish = async (call: PublishCall): Promise<HookResult> => {
    const made: HookResult = hook === undefined ? { store: undefined } : await hook(call);
    if ('refusal' in made) return made;
    const entry = (made.store === undefined ? call.entry : made.store) as JsonValue;
    const { producer, seq } = call.source;
    const edits = call.edits === undefined ? {} : { edits: call.edits };
    const asked = { ...told(call.params), user: userOf(call.user), producer, seq, entry, ...edits };
    const judged = await rules.before(asked);
    return 'refusal' in judged || judged.store !== undefined ? judged : made;
  };
  return {
    ...runtime,
    ...ruled,
    ...moderated,
    ...(wanted.has('publish.before') ? { onPublish } : {}),
    ...(wanted.has('publish.after') ? { outbox: true } : {}),
  };
}

export function toldStream(channel: string, names: readonly string[], params: readonly string[]): ToldStream {
  return {
    channel,
    stream: streamName(channel, params),
    params: Object.fromEntries(names.map((name, index) => [name, params[index] ?? ''])),
  };
}
