// Between two lives of the server: what is written to each room, straight to the file. Exits when it is synced.

import { openSqliteBroker } from '@trunkline/broker-sqlite';
import { lineOf } from '../app.mjs';

/** @type {{ path: string, rooms: number, from: number, to: number }} */
const { path, rooms, from, to } = JSON.parse(process.argv[2] ?? '');

const broker = await openSqliteBroker(path);
await Promise.all(
  Array.from({ length: rooms }, (_, room) => {
    const name = /** @type {import('@trunkline/protocol').StreamName} */ (`chat/${room}`);
    const entries = Array.from({ length: to - from }, (_line, index) => ({
      at: Date.now(),
      data: JSON.stringify(lineOf(room, from + index + 1)),
      user: null,
    }));
    return broker.append(name, entries);
  }),
);
await broker.close();
process.stdout.write(`${JSON.stringify({ filled: true })}\n`);
