// A process that appends under load until it is killed: `node appender.mjs BROKER FILE '{"seqs":[1,1],"seed":1}'`.
// Each producer keeps up to 64 appends under way and begins again with the first seq that was not acknowledged. For each
// acknowledgement a line is written to the standard output at once: `producer seq offset duplicate`.

import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [brokerModule, file, task] = process.argv.slice(2);
const { openSqliteBroker } = await import(pathToFileURL(brokerModule).href);
const { seqs, seed } = JSON.parse(task);
const broker = await openSqliteBroker(file);

/** What producer `p` says at `seq`, the same in every process; sizes differ, a few fill several pages. */
function textOf(p, seq) {
  return `${p}:${seq}:${'x'.repeat((p * 131 + seq * 7919) % (seq % 97 === 0 ? 20_000 : 300))}`;
}

let random = seed;
const below = (n) => {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((random / 2 ** 32) * n);
};

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Returns when the kernel has all of it; a pipe that is full because nobody has read it yet says EAGAIN. */
function print(text) {
  let left = Buffer.from(text);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

async function produce(p) {
  let next = seqs[p];
  let underWay = 0;
  let wake = () => {};
  for (;;) {
    while (underWay >= 64) await new Promise((resolve) => (wake = resolve));
    const entries = Array.from({ length: 1 + below(4) }, (_, index) => ({
      at: 1_700_000_000_000 + next + index,
      data: JSON.stringify(textOf(p, next + index)),
      user: null,
      source: { producer: `p${p}`, seq: next + index },
    }));
    const first = next;
    next += entries.length;
    underWay += 1;
    broker.append('chat/lobby', entries).then(({ appended }) => {
      const lines = appended.map(({ offset, duplicate }, index) => `${p} ${first + index} ${offset} ${duplicate}\n`);
      print(lines.join(''));
      underWay -= 1;
      wake();
    });
    if (below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

await Promise.all(seqs.map((_, p) => produce(p)));
