// How an application gets its broker.

import type { SqliteBrokerOptions } from './options.js';
import { SqliteBroker } from './sqlite-broker.js';

/**
 * A broker on one SQLite file, which is created, with its folder, if it does not exist. An append resolves when it is synced
 * to disk. One broker at a time can use a file. Opening goes on while this returns: `ready()` tells how it went, and calls
 * wait for it. The broker alone does not keep the process alive, an unanswered call does.
 *
 * Leases end with the broker: their owners live in its process, and no other one can open the file before.
 */
export function sqliteBroker(path: string, options: SqliteBrokerOptions = {}): SqliteBroker {
  return new SqliteBroker(path, options);
}

/**
 * Like `sqliteBroker`, but resolves when the file is open.
 * @throws SqliteBrokerError
 */
export async function openSqliteBroker(path: string, options: SqliteBrokerOptions = {}): Promise<SqliteBroker> {
  const broker = sqliteBroker(path, options);
  await broker.ready();
  return broker;
}
