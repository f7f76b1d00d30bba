// A plain-array model of a broker, and commands as plain values: a sequence of them is run on both and compared. The
// sequences come from a seed here, and from fast-check in the tests.

import type { Appended, Broker, Entry, NewEntry, Page } from '../broker.js';
import { OutOfOrderError, UnrecoverablePositionError } from '../errors.js';
import { check, same } from './assert.js';
import { AT, type BrokerWorld, entry, named } from './world.js';

/** One call, all of whose arguments are small numbers: streams and producers by number, offsets from the beginning. */
export type Command =
  | {
      readonly do: 'append';
      readonly stream: number;
      /** `[producer, seq]`; producer 0 is the server, which has none. */
      readonly entries: readonly (readonly [producer: number, seq: number])[];
      readonly retain?: number;
    }
  | {
      readonly do: 'read';
      readonly stream: number;
      readonly after: number;
      readonly limit: number;
      readonly bytes?: number;
    }
  | { readonly do: 'readBack'; readonly stream: number; readonly before: number; readonly limit: number }
  | { readonly do: 'lookup'; readonly stream: number; readonly producer: number; readonly seq: number }
  | { readonly do: 'remove'; readonly stream: number }
  | { readonly do: 'reopen' };

interface ModelStream {
  epoch: string | null;
  readonly log: Entry[];
  retain: number;
  /** Trimming may lag, but never go beyond this. */
  floorMost: number;
  readonly stored: Map<string, Appended>;
  readonly last: Map<number, number>;
}

/**
 * Runs the commands on the world's broker and on the model; throws where they differ. Writes are not awaited before the next
 * command, so that they meet in groups; whatever reads is.
 */
export async function runCommands(world: BrokerWorld, commands: readonly Command[]): Promise<void> {
  const model = new Map<number, ModelStream>();
  let broker = world.broker;
  const writes: Promise<void>[] = [];
  for (const [index, command] of commands.entries()) {
    const what = `command ${index} ${JSON.stringify(command)}`;
    if (command.do === 'reopen') {
      await Promise.all(writes.splice(0));
      if (world.reopen !== undefined) broker = await world.reopen();
      continue;
    }
    const stream = model.get(command.stream) ?? fresh();
    model.set(command.stream, stream);
    const name = named(`stream/${command.stream}`);
    if (command.do === 'append') writes.push(append(broker, stream, command, what));
    else if (command.do === 'remove') {
      writes.push(broker.remove(name));
      model.set(command.stream, fresh());
    } else {
      await Promise.all(writes.splice(0));
      if (command.do === 'lookup') await lookup(broker, stream, command, what);
      else await readAndCompare(broker, stream, command, what);
    }
  }
  await Promise.all(writes);
}

function fresh(): ModelStream {
  return { epoch: null, log: [], retain: Number.POSITIVE_INFINITY, floorMost: 0, stored: new Map(), last: new Map() };
}

/** Changes the model at once, as the order of calls demands, and compares the answer when it comes. */
async function append(
  broker: Broker,
  stream: ModelStream,
  command: Extract<Command, { do: 'append' }>,
  what: string,
): Promise<void> {
  const items = command.entries.map(([producer, seq]) => newEntry(producer, seq));
  const answer = broker
    .append(
      named(`stream/${command.stream}`),
      items,
      command.retain === undefined ? {} : { retain: { entries: command.retain } },
    )
    .catch((error: unknown) => error as Error);
  const expected = modelAppend(stream, items, command);
  const actual = await answer;
  if (expected === null || actual instanceof Error) {
    check(expected === null && actual instanceof OutOfOrderError, `${what}: got ${JSON.stringify(actual)} ${actual}`);
    return;
  }
  same(actual.appended, expected, what);
  check(stream.epoch === null || stream.epoch === actual.epoch, `${what}: the epoch changed`);
  stream.epoch = actual.epoch;
}

function newEntry(producer: number, seq: number): NewEntry {
  return producer === 0 ? entry('server') : entry(`${producer}:${seq} ${'x'.repeat(seq % 90)}`, `p${producer}`, seq);
}

/** `null`: the append is refused and nothing changes. */
function modelAppend(
  stream: ModelStream,
  items: readonly NewEntry[],
  command: Extract<Command, { do: 'append' }>,
): Appended[] | null {
  const last = new Map(stream.last);
  const repeats = command.entries.map(([producer, seq]) => stream.stored.get(`${producer}:${seq}`));
  for (const [index, [producer, seq]] of command.entries.entries()) {
    if (producer === 0 || repeats[index] !== undefined) continue;
    if (seq < (last.get(producer) ?? 0)) return null;
    last.set(producer, seq);
  }
  for (const [producer, seq] of last) stream.last.set(producer, seq);
  if (command.retain !== undefined) stream.retain = command.retain;
  const answers = items.map((item, index) => {
    const [producer, seq] = command.entries[index] ?? [0, 0];
    const repeat = repeats[index];
    if (producer !== 0 && repeat !== undefined) return { ...repeat, duplicate: true };
    const stored = { ...item, offset: stream.log.length + 1 };
    stream.log.push(stored);
    const answer = { offset: stored.offset, at: AT, duplicate: false };
    if (producer !== 0) stream.stored.set(`${producer}:${seq}`, answer);
    return answer;
  });
  stream.floorMost = Math.max(stream.floorMost, stream.log.length - stream.retain);
  return answers;
}

async function lookup(
  broker: Broker,
  stream: ModelStream,
  { stream: number, producer, seq }: Extract<Command, { do: 'lookup' }>,
  what: string,
): Promise<void> {
  const found = await broker.lookup(named(`stream/${number}`), { producer: `p${producer}`, seq });
  const expected = stream.stored.get(`${producer}:${seq}`);
  same(found, expected === undefined ? null : { epoch: stream.epoch, offset: expected.offset, at: AT }, what);
}

async function readAndCompare(
  broker: Broker,
  stream: ModelStream,
  command: Extract<Command, { do: 'read' | 'readBack' }>,
  what: string,
): Promise<void> {
  const name = named(`stream/${command.stream}`);
  const head = stream.log.length;
  if (command.do === 'readBack') {
    const page = await broker.readBack(name, command.before, { entries: command.limit });
    const to = Math.min(command.before - 1, head);
    comparePage(stream, page, Math.max(page.floor, to - command.limit), to, what);
    return;
  }
  const bytes = command.bytes === undefined ? {} : { bytes: command.bytes };
  const after = { epoch: stream.epoch, offset: command.after };
  const page = await broker.read(name, after, { entries: command.limit, ...bytes }).catch((error: unknown) => {
    check(error instanceof UnrecoverablePositionError, `${what}: ${String(error)}`);
    const expected = error.reason === 'epoch' ? command.after > head : command.after < stream.floorMost;
    check(expected, `${what}: refused with ${error.reason}`);
    return null;
  });
  if (page === null) return;
  let to = Math.min(command.after + command.limit, head);
  if (command.bytes !== undefined) to = fitting(stream.log, command.after, to, command.bytes);
  comparePage(stream, page, command.after, to, what);
}

function fitting(log: readonly Entry[], after: number, to: number, bytes: number): number {
  let left = bytes;
  for (const { offset, data, user } of log.slice(after, to)) {
    left -= data.length + (user?.length ?? 0); // ASCII only
    if (left < 0 && offset > after + 1) return offset - 1;
  }
  return to;
}

function comparePage(stream: ModelStream, page: Page, from: number, to: number, what: string): void {
  same([page.epoch, page.offset], [stream.epoch, stream.log.length], `${what}: state`);
  check(page.floor <= stream.floorMost, `${what}: trimmed up to ${page.floor}, at most ${stream.floorMost} allowed`);
  same(page.entries, from >= to ? [] : stream.log.slice(from, to), what);
}

/** `count` commands from a source of numbers in [0, 1). */
export function randomCommands(random: () => number, count: number): Command[] {
  const below = (n: number) => Math.floor(random() * n);
  const seqs = new Map<number, number>();
  const nextSeq = (producer: number): number => {
    const next = (seqs.get(producer) ?? 0) + 1 + (random() < 0.1 ? below(3) : 0);
    if (random() < 0.25) return 1 + below(next);
    seqs.set(producer, next);
    return next;
  };
  return Array.from({ length: count }, (): Command => {
    const stream = below(3);
    const dice = random();
    if (dice < 0.55) return { do: 'append', stream, ...randomAppend(below, nextSeq) };
    if (dice < 0.7) {
      const bytes = random() < 0.5 ? { bytes: below(500) } : {};
      return { do: 'read', stream, after: below(60), limit: 1 + below(30), ...bytes };
    }
    if (dice < 0.82) return { do: 'readBack', stream, before: below(60), limit: 1 + below(30) };
    if (dice < 0.95) return { do: 'lookup', stream, producer: 1 + below(3), seq: 1 + below(40) };
    return dice < 0.98 ? { do: 'remove', stream } : { do: 'reopen' };
  });
}

function randomAppend(
  below: (n: number) => number,
  nextSeq: (producer: number) => number,
): { entries: [number, number][]; retain?: number } {
  const unique = new Map<string, [number, number]>();
  for (let n = below(4); n >= 0; n--) {
    const producer = below(4);
    const seq = producer === 0 ? n + 1 : nextSeq(producer);
    unique.set(`${producer}:${seq}`, [producer, seq]);
  }
  const chosen = { entries: [...unique.values()] };
  return below(10) === 0 ? { ...chosen, retain: 1 + below(20) } : chosen;
}
