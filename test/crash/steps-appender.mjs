// Appends one commit after the other and prints, for each, the size of the WAL and the number of entries after it, until
// it is killed: `node steps-appender.mjs BROKER FILE COMMITS`.

import { statSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [brokerModule, file, commits] = process.argv.slice(2);
const { openSqliteBroker } = await import(pathToFileURL(brokerModule).href);
const broker = await openSqliteBroker(file);
let seq = 0;
for (let commit = 1; commit <= Number(commits); commit++) {
  const entries = Array.from({ length: 1 + (commit % 4) }, () => {
    seq += 1;
    // Some fill several pages.
    const data = JSON.stringify(`entry ${seq} ${'x'.repeat(seq % 7 === 0 ? 9_000 : seq % 50)}`);
    return { at: seq, data, user: null, source: { producer: 'p', seq } };
  });
  await broker.append('chat/lobby', entries);
  writeSync(1, `${statSync(`${file}-wal`).size} ${seq}\n`);
}
writeSync(1, 'done\n');
setInterval(() => {}, 60_000);
