// Fills a room with messages before a test looks at it.

import { connect } from '@trunkline/client/node';
import type { App } from '../../../apps/demo/server/app.js';

/** Writes `count` messages, "message 1" and so on. Several guests take turns, as each may write only so fast. */
export async function seedRoom(url: string, room: string, count: number): Promise<void> {
  const TURN = 90;
  for (let from = 1; from <= count; from += TURN) {
    const token = await guestToken(url, `Writer ${Math.ceil(from / TURN)}`);
    const line = connect<App>(`${url}/line`, { token });
    const handle = line.channel.chat(room);
    const numbers = Array.from({ length: Math.min(TURN, count - from + 1) }, (_, index) => from + index);
    // At most 64 may wait for an answer.
    for (let at = 0; at < numbers.length; at += 60) {
      await Promise.all(numbers.slice(at, at + 60).map((number) => handle.publish({ text: `message ${number}` })));
    }
    await line.close();
  }
}

export async function guestToken(url: string, name: string): Promise<string> {
  const response = await fetch(`${url}/guest`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const { token } = (await response.json()) as { token: string };
  return token;
}
