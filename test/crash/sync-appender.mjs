// Appends in lock-step: `node sync-appender.mjs BROKER FILE BATCHES`. Each batch is appended by several calls at once, and
// acknowledged by one line when all of them have resolved, before the next begins. So in a recording of the system calls,
// all that was written to the WAL before a line belongs to what the line acknowledges.

import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [brokerModule, file, batches] = process.argv.slice(2);
const { openSqliteBroker } = await import(pathToFileURL(brokerModule).href);
const broker = await openSqliteBroker(file);
for (let batch = 1; batch <= Number(batches); batch++) {
  const calls = Array.from({ length: 1 + (batch % 5) }, (_, call) => {
    const source = { producer: `p${call}`, seq: batch };
    return broker.append('chat/lobby', [
      { at: batch, data: '"'.padEnd(batch * 40, 'x').concat('"'), user: null, source },
    ]);
  });
  await Promise.all(calls);
  writeSync(1, `acknowledged ${batch}\n`);
}
await broker.close();
