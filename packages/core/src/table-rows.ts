// The rows of an active table, as this node knows them: which field changed when, and the rows in the order of their last
// change, so that what a reader misses is found in the time it takes to say it.

import { fieldsOf, type Row, type Tombstone } from '@trunkline/broker';
import { type Offset, utf8Bytes } from '@trunkline/protocol';

/** Removed fields that are remembered of one row. Beyond it a reader gets the row whole. */
const MAX_REMOVED = 32;
/** Deletions kept beyond those that the broker gave. What is older is below the floor. */
const MAX_GONE = 20_000;

interface Field {
  /** The value as JSON text. */
  readonly text: string;
  readonly offset: Offset;
}

/** What a reader is told of one row: `"key":{…}` for `set` or `patch`, `"key":[…]` for `unset`, `"key"` for `delete`. */
export interface Telling {
  readonly set: string;
  readonly patch: string;
  readonly unset: string;
  readonly gone: string;
  /** Size of the texts in UTF-8. */
  readonly bytes: number;
}

/** A row, or the memory of one that was deleted: `fields` is `null` then. */
export class RowNode {
  fields: Map<string, Field> | null = null;
  offset: Offset = 0;
  /** Readers whose place is before this need the row whole. */
  wholeSince: Offset = 0;
  older: RowNode | null = null;
  newer: RowNode | null = null;
  #removed: Map<string, Offset> | null = null;
  readonly #keyText: string;
  #whole: Telling | null = null;
  #change: Telling | null = null;
  #changeSince: Offset = -1;

  constructor(readonly key: string) {
    this.#keyText = JSON.stringify(key);
  }

  /** @param isKnown `false` when this node does not know what the row was before: after loading, or a hole. */
  become(data: string, offset: Offset, isKnown: boolean): void {
    const before = isKnown ? this.fields : null;
    const fields = new Map<string, Field>();
    for (const [name, text] of fieldsOf(data)) {
      const known = before?.get(name);
      fields.set(name, known?.text === text ? known : { text, offset });
    }
    if (before === null) this.wholeSince = offset;
    else for (const name of before.keys()) if (!fields.has(name)) this.#remove(name, offset);
    for (const name of this.#removed?.keys() ?? []) if (fields.has(name)) this.#removed?.delete(name);
    if (before === null || (this.#removed?.size ?? 0) > MAX_REMOVED) {
      this.wholeSince = offset;
      this.#removed = null;
    }
    this.fields = fields;
    this.#changed(offset);
  }

  die(offset: Offset): void {
    this.fields = null;
    this.#removed = null;
    this.#changed(offset);
  }

  /** The row for a reader that knows nothing of it. */
  whole(): Telling {
    this.#whole ??= telling({ set: `${this.#keyText}:${rowTextOf(this.fields ?? new Map(), 0)}` });
    return this.#whole;
  }

  /** What changed since a reader's place. The last answer is kept: readers at one place ask together. */
  since(place: Offset): Telling {
    if (this.fields !== null && this.wholeSince > place) return this.whole();
    if (this.#change === null || this.#changeSince !== place) {
      this.#change = this.#tell(place);
      this.#changeSince = place;
    }
    return this.#change;
  }

  #tell(place: Offset): Telling {
    const { fields } = this;
    if (fields === null) return telling({ gone: this.#keyText });
    const patch = rowTextOf(fields, place);
    const removed = [...(this.#removed ?? [])].filter(([, offset]) => offset > place).map(([name]) => name);
    return telling({
      ...(patch === '{}' ? {} : { patch: `${this.#keyText}:${patch}` }),
      ...(removed.length === 0 ? {} : { unset: `${this.#keyText}:${JSON.stringify(removed)}` }),
    });
  }

  #remove(name: string, offset: Offset): void {
    this.#removed ??= new Map();
    this.#removed.set(name, offset);
  }

  #changed(offset: Offset): void {
    this.offset = offset;
    this.#whole = null;
    this.#change = null;
  }
}

function rowTextOf(fields: ReadonlyMap<string, Field>, since: Offset): string {
  let text = '';
  for (const [name, field] of fields) {
    if (field.offset > since) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${field.text}`;
  }
  return `{${text}}`;
}

function telling(parts: Partial<Omit<Telling, 'bytes'>>): Telling {
  const { set = '', patch = '', unset = '', gone = '' } = parts;
  return { set, patch, unset, gone, bytes: utf8Bytes(set) + utf8Bytes(patch) + utf8Bytes(unset) + utf8Bytes(gone) };
}

export class TableRows {
  /** Offset of the last step that is in here. */
  head: Offset = 0;
  /** Readers whose place is before this, but not 0, may have missed deletions that nobody remembers. */
  floor: Offset = 0;
  readonly #nodes = new Map<string, RowNode>();
  #newest: RowNode | null = null;
  #oldest: RowNode | null = null;
  #gone = 0;

  /** Rows that there are. */
  get size(): number {
    return this.#nodes.size - this.#gone;
  }

  node(key: string): RowNode | undefined {
    const node = this.#nodes.get(key);
    return node?.fields === null ? undefined : node;
  }

  /** The rows that there are, in the order of their last change. */
  *[Symbol.iterator](): Generator<RowNode> {
    for (let node = this.#oldest; node !== null; node = node.newer) if (node.fields !== null) yield node;
  }

  /**
   * Takes in what changed up to `to`, each row once with its latest value.
   * @param isStep whether this is the one step after `head`. Else a field may have changed there and back, which some reader
   * saw half of: what changed is told whole.
   */
  apply(rows: readonly Row[], gone: readonly Tombstone[], to: Offset, isStep: boolean): void {
    // In the order of offsets, as the list is.
    const changes: (Row | Tombstone)[] = [...rows, ...gone].sort((a, b) => a.offset - b.offset);
    for (const change of changes) this.#apply(change, isStep);
    this.head = Math.max(this.head, to);
    this.#forget();
  }

  #apply(change: Row | Tombstone, isStep: boolean): void {
    const known = this.#nodes.get(change.key);
    if (known !== undefined && change.offset <= known.offset) return;
    const node = known ?? new RowNode(change.key);
    const wasGone = known !== undefined && known.fields === null;
    if ('data' in change) node.become(change.data, change.offset, isStep && change.born < change.offset);
    else node.die(change.offset);
    this.#gone += Number(node.fields === null) - Number(wasGone);
    if (known === undefined) this.#nodes.set(node.key, node);
    else this.#unlink(node);
    this.#append(node);
  }

  /** Rows and deletions after `place`, the oldest change first. */
  after(place: Offset): RowNode[] {
    const nodes: RowNode[] = [];
    for (let node = this.#newest; node !== null && node.offset > place; node = node.older) nodes.push(node);
    return nodes.reverse();
  }

  /** Whether one of these rows changed after `place`. */
  hasChange(place: Offset, keys: ReadonlySet<string>): boolean {
    for (let node = this.#newest; node !== null && node.offset > place; node = node.older) {
      if (keys.has(node.key)) return true;
    }
    return false;
  }

  #forget(): void {
    for (let node = this.#oldest; this.#gone > MAX_GONE && node !== null; ) {
      const { newer } = node;
      if (node.fields === null) {
        this.#unlink(node);
        this.#nodes.delete(node.key);
        this.#gone -= 1;
        this.floor = Math.max(this.floor, node.offset);
      }
      node = newer;
    }
  }

  #append(node: RowNode): void {
    node.older = this.#newest;
    node.newer = null;
    if (this.#newest === null) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
  }

  #unlink(node: RowNode): void {
    if (node.older === null) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === null) this.#newest = node.older;
    else node.newer.older = node.older;
  }
}
