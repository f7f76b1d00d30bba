// Reads a recording of system calls (`strace -f`) and says whether each acknowledgement followed a sync that covers it.

/** What a recording shows. */
export interface SyncFindings {
  readonly acknowledgements: number;
  readonly walWrites: number;
  readonly walSyncs: number;
  /** A line for each acknowledgement that was not covered. */
  readonly problems: readonly string[];
}

// `123 fsync(31) = 0`, and the same in two parts when another thread came between: `123 fsync(31 <unfinished ...>`, then
// `123 <... fsync resumed>) = 0`. Padding before `=` varies.
const CALL = /^(\d+)\s+(\w+)\((.*)$/;
const RESUMED = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$/;

interface Call {
  readonly name: string;
  readonly rest: string;
}

export function findSyncs(recording: string): SyncFindings {
  const wal = new WalState();
  const unfinished = new Map<string, Call>();
  for (const line of recording.split('\n')) {
    const resumed = RESUMED.exec(line);
    if (resumed !== null) {
      const [, thread = '', name = '', rest = ''] = resumed;
      const begun = unfinished.get(thread);
      unfinished.delete(thread);
      wal.end({ name, rest: `${begun?.rest ?? ''}${rest}` });
      continue;
    }
    const [, thread = '', name = '', rest = ''] = CALL.exec(line) ?? [];
    if (name === '') continue;
    wal.begin({ name, rest });
    if (rest.endsWith('<unfinished ...>')) unfinished.set(thread, { name, rest });
    else wal.end({ name, rest });
  }
  return { acknowledgements: wal.acknowledgements, walWrites: wal.writes, walSyncs: wal.syncs, problems: wal.problems };
}

class WalState {
  acknowledgements = 0;
  writes = 0;
  syncs = 0;
  readonly problems: string[] = [];
  /** Both threads of the broker open the WAL; a number that is given to another file is the WAL's no more. */
  readonly #files = new Set<string>();
  /** Written since the last acknowledgement. */
  #written = false;
  /** Written since the last sync that has ended began. */
  #unsynced = false;
  #writtenDuringSync = false;

  begin({ name, rest }: Call): void {
    if (name === 'write' && rest.startsWith('1, "acknowledged')) this.#acknowledge(rest);
    if (!this.#isWal(rest)) return;
    if (name === 'pwrite64' || name === 'write') {
      this.writes += 1;
      this.#written = true;
      this.#unsynced = true;
      this.#writtenDuringSync = true;
    } else if (name === 'fsync' || name === 'fdatasync') this.#writtenDuringSync = false;
  }

  end({ name, rest }: Call): void {
    if (name === 'openat') this.#open(/"([^"]*)"/.exec(rest)?.[1] ?? '', /= (\d+)$/.exec(rest)?.[1]);
    if ((name !== 'fsync' && name !== 'fdatasync') || !this.#isWal(rest)) return;
    if (!/=\s+0$/.test(rest)) return;
    this.syncs += 1;
    if (!this.#writtenDuringSync) this.#unsynced = false;
  }

  #acknowledge(rest: string): void {
    this.acknowledgements += 1;
    if (!this.#written) this.problems.push(`nothing was written before ${rest}`);
    if (this.#unsynced) this.problems.push(`what was written is not synced before ${rest}`);
    this.#written = false;
  }

  #open(path: string, file: string | undefined): void {
    if (file === undefined) return;
    if (path.endsWith('.db-wal')) this.#files.add(file);
    else this.#files.delete(file);
  }

  #isWal(rest: string): boolean {
    return this.#files.has(/^\d+/.exec(rest)?.[0] ?? '');
  }
}
