// The embedded broker: one SQLite file, written and read by worker threads.

export { SqliteBrokerError, type SqliteBrokerErrorCode } from './errors.js';
export { openSqliteBroker, sqliteBroker } from './open-broker.js';
export type { CommittedGroup, SqliteBrokerOptions } from './options.js';
export type { SqliteBroker } from './sqlite-broker.js';
