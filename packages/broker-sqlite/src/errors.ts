// Why a file cannot be used, in words that tell a person what to do about it.

import { BrokerError } from '@trunkline/broker';

/**
 * `locked`: another broker has it open · `newer`: written by a newer version · `foreign`: a SQLite file of another program ·
 * `not_a_database`: no SQLite file · `corrupt`: damaged · `read_only`: file or folder cannot be written · `cannot_open`: all else.
 */
export type SqliteBrokerErrorCode =
  | 'locked'
  | 'newer'
  | 'foreign'
  | 'not_a_database'
  | 'corrupt'
  | 'read_only'
  | 'cannot_open';

/** A database file could not be opened. Its message names the file and says what to do. */
export class SqliteBrokerError extends BrokerError {
  override readonly name = 'SqliteBrokerError';
  /** The same file can be opened later if something is done about it; trying again alone does not help. */
  override readonly retryable = false;
  constructor(
    override readonly code: SqliteBrokerErrorCode,
    readonly path: string,
    /** What is wrong, as a clause that follows the path. */
    readonly problem: string,
    /** What to do about it. */
    readonly advice: string,
  ) {
    super(`${path} ${problem}. ${advice}`);
  }
}
