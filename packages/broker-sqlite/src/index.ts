// The embedded broker: one SQLite file, written and read by worker threads.

export { SqliteBrokerError, type SqliteBrokerErrorCode } from './errors.js';
export type { CommittedGroup, SqliteBrokerOptions } from './options.js';
export { openSqliteBroker, type SqliteBroker, sqliteBroker } from './sqlite-broker.js';
