// What Trunkline's own messages say, in a few words: what one looks for in a long list. A click shows the rest.

type Fields = Readonly<Record<string, unknown>>;

const SUMMARIES: Readonly<Record<string, (message: Fields) => string>> = {
  hello: ({ version, token }) => `version ${version}, ${token === undefined ? 'no token' : `token ${token}`}`,
  welcome: ({ user, pingMs }) => `you are ${json(user)}, ping every ${pingMs} ms`,
  subscribe: ({ stream, after, last }) =>
    `${stream}${after === undefined ? `, last ${last ?? 0}` : `, after ${json(after)}`}`,
  unsubscribe: ({ stream }) => `${stream}`,
  publish: ({ stream, data }) => `${stream} ${json(data)}`,
  read: ({ stream, before, limit }) => `${stream}, ${limit} before ${before}`,
  ok: ({ id, ch, head, offset, items }) => {
    if (ch !== undefined) return `to request ${id}: stream ${ch}, head ${head}`;
    if (offset !== undefined) return `to request ${id}: stored at offset ${offset}`;
    if (Array.isArray(items)) return `to request ${id}: ${items.length} entries`;
    return `to request ${id}`;
  },
  entries: ({ from, to, items }) =>
    `${from} to ${to}: ${Array.isArray(items) ? items.map((item: Fields) => json(item.data)).join(' ') : ''}`,
  synced: ({ to }) => `up to ${to}`,
  gap: ({ reason, lost }) => `${reason}, ${lost ?? 'unknown'} lost`,
  error: ({ code, message }) => `${code}: ${message}`,
  ping: ({ rttMs }) => (rttMs === undefined ? '' : `last round trip ${rttMs} ms`),
  pong: () => '',
  drain: ({ withinMs, spreadMs }) => `move within ${spreadMs} ms, served here for ${withinMs} ms`,
  goodbye: ({ code, reason }) => `${code}: ${reason}`,
};

/** One message in words; `undefined` if it is none of ours, or not whole. */
export function summaryOf(line: string): string | undefined {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
    const { type } = message;
    return typeof type === 'string' && Object.hasOwn(SUMMARIES, type)
      ? SUMMARIES[type]?.(message as Fields)
      : undefined;
  } catch {
    return undefined;
  }
}

function json(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
