// The embedded broker: one SQLite file, written and read by worker threads.

export { SqliteBrokerError, type SqliteBrokerErrorCode } from './errors.js';
export {
  type CommittedGroup,
  openSqliteBroker,
  type SqliteBroker,
  type SqliteBrokerOptions,
  sqliteBroker,
} from './sqlite-broker.js';
