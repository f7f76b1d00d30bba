/** The decoder of `ws`, fed like ours. Its types are written here: `@types/ws` does not have them. */
import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { turn } from '../support/node.js';

interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
}

const { Receiver } = ws as unknown as { readonly Receiver: new (options: ReceiverOptions) => Writable };

/** What a decoder made of a stream. */
export interface Reading {
  /** Messages, pings and pongs in order. */
  readonly events: string[];
  readonly verdict: 'open' | 'closed' | 'refused';
  /** Its own word for why. */
  readonly why: string;
}

/** Messages come while it is written to, a refusal in the same turn. */
export async function readWithWs(pieces: readonly Uint8Array[], options: ReceiverOptions): Promise<Reading> {
  const events: string[] = [];
  let verdict: Reading['verdict'] = 'open';
  let why = '';
  const receiver = new Receiver(options);
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    events.push(isBinary ? `binary ${data.toString('hex')}` : `text ${data.toString()}`);
  });
  receiver.on('ping', (data: Buffer) => events.push(`ping ${data.toString('hex')}`));
  receiver.on('pong', (data: Buffer) => events.push(`pong ${data.toString('hex')}`));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    verdict = 'closed';
    why = `${code} ${reason.toString()}`;
  });
  receiver.on('error', (error: NodeJS.ErrnoException) => {
    verdict = 'refused';
    why = error.code ?? error.message;
  });
  for (const piece of pieces) {
    if (verdict !== 'open') break;
    receiver.write(Buffer.from(piece));
  }
  await turn();
  return { events, verdict, why };
}
