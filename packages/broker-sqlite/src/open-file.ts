// Opens the database file for the writer: folder, exclusive lock, checks, schema. Whatever is wrong is a SqliteBrokerError.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Connection, messageOf, sqliteCode } from './database.js';
import { SqliteBrokerError } from './errors.js';
import { APPLICATION_ID, CREATE_SCHEMA, MIGRATIONS, SCHEMA_VERSION } from './schema.js';

/** Files up to this size are checked in full when opened: 20 ms for 32 MB. Damage in larger ones is found when it is met. */
const CHECKED_BYTES_MAX = 32 * 1024 * 1024;
const RESTORE = 'Restore it from a backup, or move it (and its -wal and -shm files) away to begin with an empty one';

export interface OpenFile {
  readonly db: Connection;
  /** Lets another process open the file. To be called after `db` was closed. */
  unlock(): void;
}

/** @throws SqliteBrokerError */
export function openFile(givenPath: string, maxFileBytes?: number): OpenFile {
  const path = prepareFolder(givenPath);
  const lock = takeLock(path);
  try {
    return { db: openDatabase(path, maxFileBytes), unlock: () => release(lock) };
  } catch (error) {
    release(lock);
    throw error instanceof SqliteBrokerError ? error : describe(path, error);
  }
}

/** The real path, so that two names of one file share a lock. */
function prepareFolder(givenPath: string): string {
  const absolute = resolve(givenPath);
  const folder = dirname(absolute);
  try {
    syncNewFolders(mkdirSync(folder, { recursive: true }));
    const path = existsSync(absolute) ? realpathSync(absolute) : join(realpathSync(folder), basename(absolute));
    if (existsSync(path) && !statSync(path).isFile()) {
      throw new SqliteBrokerError('cannot_open', path, 'is not a file', 'Name a file, such as data/trunkline.db');
    }
    // SQLite would open what it may not write, and fail at the first write.
    accessSync(dirname(path), constants.W_OK);
    for (const file of [path, `${path}.lock`]) if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
    return path;
  } catch (error) {
    throw error instanceof SqliteBrokerError ? error : describe(absolute, error);
  }
}

/** A synced file in a folder whose own entry was not synced could be lost with it. SQLite sees to the file's entry. */
function syncNewFolders(first: string | undefined): void {
  if (first === undefined || process.platform === 'win32') return;
  const parent = openSync(dirname(first), 'r');
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

/**
 * An exclusive transaction on a file beside the database. The kernel ends it with the process, also after kill -9, and SQLite
 * sees to it that it counts within one process too. (Locking the database itself would lock out the reading thread.)
 */
function takeLock(path: string): Connection {
  let lock: Connection | undefined;
  try {
    lock = new Connection(`${path}.lock`);
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (sqliteCode(error).startsWith('SQLITE_BUSY')) {
      const advice = 'Only one process can use it at a time: stop the other one, or give this one a file of its own';
      throw new SqliteBrokerError('locked', path, 'is in use by another Trunkline broker', advice);
    }
    throw describe(`${path}.lock`, error);
  }
}

function release(lock: Connection): void {
  lock.exec('ROLLBACK');
  lock.close();
}

/** A process that was killed may have left writes that are in its log and not on the disk yet: whoever is told of them has to find them again. */
function syncLog(path: string): void {
  if (!existsSync(`${path}-wal`)) return;
  const log = openSync(`${path}-wal`, 'r+');
  try {
    fsyncSync(log);
  } finally {
    closeSync(log);
  }
}

function openDatabase(path: string, maxFileBytes: number | undefined): Connection {
  syncLog(path);
  const db = new Connection(path);
  try {
    const isNew = checkIdentity(db, path);
    db.value('PRAGMA journal_mode = WAL');
    // What is deleted is overwritten: an erased text is not to stay in the file.
    db.value('PRAGMA secure_delete = ON');
    db.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -32000; PRAGMA busy_timeout = 5000;');
    // Acknowledgements do not wait for checkpoints: the writer makes them between groups.
    db.value('PRAGMA wal_autocheckpoint = 0');
    if (isNew) db.exec(`BEGIN IMMEDIATE; ${CREATE_SCHEMA} COMMIT;`);
    else {
      if (statSync(path).size <= CHECKED_BYTES_MAX) checkPages(db, path);
      migrate(db);
    }
    if (maxFileBytes !== undefined) {
      const pages = Math.max(1, Math.floor(maxFileBytes / Number(db.value('PRAGMA page_size'))));
      db.value(`PRAGMA max_page_count = ${pages}`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whether the file is empty. Only reads: what is not ours stays as it is. */
function checkIdentity(db: Connection, path: string): boolean {
  const tables = Number(db.value('SELECT count(*) FROM sqlite_schema'));
  const application = Number(db.value('PRAGMA application_id'));
  const version = Number(db.value('PRAGMA user_version'));
  if (application === 0 && version === 0 && tables === 0) return true;
  if (application !== APPLICATION_ID) {
    const advice = 'Give the broker a file of its own';
    throw new SqliteBrokerError('foreign', path, 'is the SQLite database of another program', advice);
  }
  if (version > SCHEMA_VERSION) {
    const problem = `was written by a newer version: its schema is ${version}, this version reads up to ${SCHEMA_VERSION}`;
    throw new SqliteBrokerError('newer', path, problem, 'Update @trunkline/broker-sqlite, or use another file');
  }
  return false;
}

/** Brings the tables of an older version up to date, one version at a time and each as a whole. */
function migrate(db: Connection): void {
  const version = Number(db.value('PRAGMA user_version'));
  for (const step of MIGRATIONS.slice(version - 1)) db.exec(`BEGIN IMMEDIATE; ${step} COMMIT;`);
}

function checkPages(db: Connection, path: string): void {
  const result = db.value('PRAGMA quick_check(1)');
  if (result !== 'ok') throw new SqliteBrokerError('corrupt', path, `is damaged (${result})`, RESTORE);
}

function describe(path: string, error: unknown): SqliteBrokerError {
  const code = sqliteCode(error);
  const reason = messageOf(error);
  if (code === 'SQLITE_NOTADB') {
    return new SqliteBrokerError('not_a_database', path, 'is not a SQLite database', 'Name another file');
  }
  if (code.startsWith('SQLITE_CORRUPT'))
    return new SqliteBrokerError('corrupt', path, `is damaged (${reason})`, RESTORE);
  if (code.startsWith('SQLITE_READONLY') || code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const advice = 'The file, its .lock, -wal and -shm neighbours and the folder must be writable by this user';
    return new SqliteBrokerError('read_only', path, 'cannot be written', advice);
  }
  const advice = 'Check that the folder exists and the disk works';
  return new SqliteBrokerError('cannot_open', path, `cannot be opened (${reason})`, advice);
}
