// The messages that every pair of implementations exchanges.

export type Message = string | Uint8Array;

const MEBIBYTE = 1_048_576;

/** Each length around which the frame header grows, texts of all UTF-8 lengths, and alike ones that share a window. */
export const SAMPLES: readonly Message[] = [
  '',
  'plain',
  'Grüße, 世界 🌍 \u0000',
  order(1),
  order(2),
  order(3),
  new Uint8Array(0),
  ...[125, 126, 127, 65_535, 65_536].map(noise),
  'ü'.repeat(50_000),
];

/** As large as a message may be by default, one that shrinks and one that does not. */
export const MEBIBYTES: readonly Message[] = ['trunk'.repeat(MEBIBYTE).slice(0, MEBIBYTE), noise(MEBIBYTE)];

/** Bytes that cannot be compressed, the same each time. */
export function noise(bytes: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

function order(id: number): string {
  return JSON.stringify({ id, lines: Array.from({ length: 60 }, (_, line) => ({ line, name: `article ${line}` })) });
}

/** One end of a connection whose other end echoes. */
export interface EchoPeer {
  send(message: Message): void;
  next(): Promise<Message>;
}

/** Sends each after the other came back. @returns those that came back changed, in words. */
export async function changedByEcho(peer: EchoPeer, messages: readonly Message[] = SAMPLES): Promise<string[]> {
  const changed: string[] = [];
  for (const sent of messages) {
    peer.send(sent);
    const received = await peer.next();
    if (!isSame(sent, received)) changed.push(`${describe(sent)} came back as ${describe(received)}`);
  }
  return changed;
}

function isSame(a: Message, b: Message): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : Buffer.compare(a, b) === 0;
}

function describe(message: Message): string {
  return `${typeof message === 'string' ? 'text' : 'binary'} of ${message.length}: ${message.slice(0, 20).toString()}`;
}
