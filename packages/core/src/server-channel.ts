// A channel as a program of the app's own meets it that is not this process, and so is not checked by its compiler: no rule and no
// hook of users applies, but what it sends has to pass the schema.

import type { ChannelRuntime, LogRuntime } from './app.js';

const known = new WeakMap<ChannelRuntime, ChannelRuntime>();

/** The same one for the same channel. */
export function asServer(channel: ChannelRuntime): ChannelRuntime {
  const made = known.get(channel) ?? openTo(channel);
  known.set(channel, made);
  return made;
}

function openTo(channel: ChannelRuntime): ChannelRuntime {
  if (channel.kind === 'table') {
    const { authorize, ...table } = channel;
    return { ...table, write: 'client' };
  }
  const { authorize, moderate, onPublish, ...log } = channel;
  return onPublish === undefined ? log : { ...log, validate: (data) => asGiven(channel, data) };
}

/** What a hook would store is not what the schema makes: who takes the hook's place gives it whole, and it is stored so. */
async function asGiven(channel: LogRuntime, data: Parameters<LogRuntime['validate']>[0]) {
  const result = await channel.validate(data);
  return 'problem' in result ? result : { value: data };
}
