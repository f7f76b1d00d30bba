// Payloads as JSON text, within their limit.

import { TrunklineError, utf8Bytes } from '@trunkline/protocol';
import type { Log } from './ports.js';

/**
 * The JSON text of what a client sent, or the server publishes. @param noun what it is: `entry`, `row`
 * @throws TrunklineError `invalid` if it is no JSON value, `too_large`
 */
export function payloadText(noun: string, data: unknown, maxBytes: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch {
    // Nested deeper than the stack, a cycle, a BigInt: what came over the wire can only be the first.
  }
  if (text === undefined) throw new TrunklineError('invalid', 'data is not a JSON value, or is nested too deeply');
  // A UTF-16 unit is at most three bytes: few texts need to be measured.
  const bytes = text.length * 3 > maxBytes ? utf8Bytes(text) : 0;
  if (bytes > maxBytes) {
    throw new TrunklineError('too_large', `the ${noun} has ${bytes} bytes, at most ${maxBytes} are allowed`);
  }
  return text;
}

/**
 * The same for what the app's own code made of it: if that is no JSON, the client is not to blame. @param who made it: `the schema made`
 * @throws TrunklineError `too_large`, `internal`
 */
export function madeText(noun: string, data: unknown, maxBytes: number, who: string, log: Log): string {
  try {
    return payloadText(noun, data, maxBytes);
  } catch (error) {
    if (error instanceof TrunklineError && error.code === 'too_large') throw error;
    log.error({ error }, `${who} what is no JSON value`);
    throw new TrunklineError('internal', 'the server failed; its log has the cause', { cause: error });
  }
}
