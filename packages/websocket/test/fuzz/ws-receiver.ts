/** The decoder of `ws`, fed like ours. Its types are written here: `@types/ws` does not have them. */
import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { turn } from '../support/node.js';

interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
}

/** Its permessage-deflate: what was agreed on is told to it as the parameters of an offer or an answer. */
interface PerMessageDeflate {
  accept(parameters: Readonly<Record<string, readonly true[]>>[]): void;
  cleanup(): void;
  decompress(data: Buffer, fin: boolean, done: InflateDone): void;
  /** Its stream of zlib, with the window; `null` before the first compressed message, and when it threw one away. */
  readonly _inflate: object | null;
}

type InflateDone = (error: Error | null, inflated?: Buffer) => void;

const { Receiver, PerMessageDeflate } = ws as unknown as {
  readonly Receiver: new (options: ReceiverOptions & { extensions?: Record<string, PerMessageDeflate> }) => Writable;
  readonly PerMessageDeflate: new (options: { isServer: boolean; maxPayload: number }) => PerMessageDeflate;
};

/** What a decoder made of a stream. */
export interface Reading {
  /** Messages, pings and pongs in order. */
  readonly events: string[];
  readonly verdict: 'open' | 'closed' | 'refused';
  /** Its own word for why. */
  readonly why: string;
  /** Of `ws`: how many events came before the first compressed fragment after which it threw its window away. */
  readonly forgotAt?: number;
}

/**
 * Messages come while it is written to, a refusal in the same turn; compressed ones when the thread pool has inflated them.
 * @param takeover whether compressed messages may refer to earlier ones; `null` for no compression.
 */
export async function readWithWs(
  pieces: readonly Uint8Array[],
  options: ReceiverOptions,
  takeover: boolean | null = null,
): Promise<Reading> {
  const events: string[] = [];
  let verdict: Reading['verdict'] = 'open';
  let why = '';
  const deflate = takeover === null ? null : new PerMessageDeflate(options);
  let forgotAt = Number.POSITIVE_INFINITY;
  if (deflate !== null) {
    const decompress = deflate.decompress.bind(deflate);
    deflate.decompress = (data, fin, done) =>
      decompress(data, fin, (error, inflated) => {
        if (error === null && deflate._inflate === null) forgotAt = Math.min(forgotAt, events.length);
        done(error, inflated);
      });
  }
  deflate?.accept([takeover ? {} : { server_no_context_takeover: [true], client_no_context_takeover: [true] }]);
  const receiver = new Receiver(
    deflate === null ? options : { ...options, extensions: { 'permessage-deflate': deflate } },
  );
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
    if (deflate === null) receiver.write(Buffer.from(piece));
    else await new Promise<unknown>((resolve) => receiver.write(Buffer.from(piece), resolve));
  }
  await turn();
  deflate?.cleanup();
  return { events, verdict, why, forgotAt };
}
