// A program with a broker, run as a process of its own: `node program.mjs TASK FILE`.

import { openSqliteBroker, sqliteBroker } from '../dist/index.js';

const [task, path] = process.argv.slice(2);
const news = { at: 1, data: '"news"', user: null };

const tasks = {
  /** Holds the file until it is killed. */
  async hold() {
    await openSqliteBroker(path);
    console.log('open');
    setInterval(() => {}, 60_000);
  },
  /** Prints what opening the file gave. */
  async open() {
    try {
      const broker = await openSqliteBroker(path);
      await broker.close();
      console.log('{}');
    } catch (error) {
      console.log(JSON.stringify({ code: error.code, message: error.message }));
    }
  },
  /** Has a broker and nothing else to do. */
  async idle() {
    const broker = await openSqliteBroker(path);
    await broker.append('chat/lobby', [news]);
  },
  /** Leaves an append to itself. */
  append() {
    void sqliteBroker(path).append('chat/lobby', [news, news]);
  },
  /** Closes, and prints that it did. */
  async close() {
    const broker = await openSqliteBroker(path);
    void broker.append('chat/lobby', [news, news, news]);
    await broker.close();
    console.log('closed');
  },
};

await tasks[task]();
