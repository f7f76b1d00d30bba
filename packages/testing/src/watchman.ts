// Looks at the whole world: at every step for what must never be, and in the end for what must come about.

import { lastMarks } from './last-marks.js';
import { lastMove } from './last-move.js';
import { lastTold } from './last-told.js';
import { lastSteps } from './table-watchman.js';
import type { Side, Wire } from './wire.js';
import type { World } from './world.js';

/** docs/guarantees.md, G5: a full buffer, one slice, eight pages; and what frames and JSON add to them. */
const HELD_BYTES_MAX = 262_144 + 65_536 + 8 * 65_536 + 65_536;
/** Everything must have come together this long after the last fault, in simulated time. */
const CONVERGE_MS = 60_000;
/** The same for what is published when everything works. */
const LAST_ROUND_MS = 20_000;
/** Nothing of connections and streams is left this long after everyone has left. */
const EMPTY_MS = 50_000;
/** An engine without work may do this much: its sweep, once a second. */
const IDLE_EVENTS_PER_SECOND = 15;
/** The closing handshake is given up after this long. */
const CLOSE_WAIT_MS = 10_000;
const SLACK_MS = 9_000;

export class Watchman {
  #nextRoundMs = 0;

  constructor(private readonly world: World) {}

  /** After every event. */
  look(): void {
    const { world } = this;
    const { journal, simulator, store } = world;
    for (const node of world.servers) {
      for (const connection of node.connections) {
        const bytes = connection.bufferedBytes;
        if (bytes > HELD_BYTES_MAX) {
          journal.broken('G5 bounded', `${bytes} bytes are held for ${node.oracles.get(connection)?.name}`);
        }
      }
    }
    const { broken, failing, storeMs } = store.weather;
    if (broken || failing || storeMs[1] > 10) world.storeTroubleMs = simulator.nowMs;
    if (simulator.nowMs < this.#nextRoundMs) return;
    this.#nextRoundMs = simulator.nowMs + 1_000;
    world.marks.lookAtFloors();
    this.#round();
  }

  /** Heals the world, and waits until all have all. */
  async converge(isBroken: () => boolean): Promise<void> {
    const { world } = this;
    const { simulator, journal, users } = world;
    const fromMs = simulator.nowMs;
    world.heal();
    let resting = 0;
    simulator.after(1_000, () => {
      for (const user of users) {
        user.host.machine.run(() => {
          user.rest();
          resting += 1;
        });
      }
    });
    const isThere = () => simulator.nowMs > fromMs + 2_000 && resting === users.length && this.#missing() === undefined;
    let lookMs = fromMs + 2_000;
    await simulator.run(fromMs + CONVERGE_MS, () => {
      if (isBroken()) return true;
      if (simulator.nowMs < lookMs) return false;
      lookMs = simulator.nowMs + 250;
      return isThere();
    });
    const missing = this.#missing();
    if (isBroken()) return;
    if (missing !== undefined)
      return journal.broken('G6 converge', `${missing}, ${CONVERGE_MS / 1_000} s after the last fault`);
    journal.count('milliseconds until all were together', Math.round(simulator.nowMs - fromMs));
    for (const user of users) user.judge();
    this.#storeAgrees();
    await this.#lastRound(isBroken);
  }

  /** Now that all are together, a few more entries: everyone has them soon, also the last ones, after which nothing follows. */
  async #lastRound(isBroken: () => boolean): Promise<void> {
    const { simulator, journal, users, programs } = this.world;
    for (const program of programs) program.leave();
    const [user] = users;
    await simulator.run(simulator.nowMs + 2_000, isBroken);
    user?.host.machine.run(() => {
      for (const view of user.views.values()) for (let count = 4; count > 0; count--) user.publish(view);
      for (let count = 4; count > 0; count--) user.amend();
    });
    const fromMs = simulator.nowMs;
    const isThere = () => simulator.nowMs > fromMs + 1_000 && this.#missing() === undefined;
    await simulator.run(fromMs + LAST_ROUND_MS, () => isBroken() || isThere());
    const missing = this.#missing();
    if (missing !== undefined)
      return journal.broken('G6 converge', `${missing}, ${LAST_ROUND_MS / 1_000} s after the last entry`);
    if (!isBroken() && this.world.features.tables.length > 0) await lastSteps(this.world, isBroken);
    if (!isBroken() && this.world.features.hasBackend) await lastTold(this.world, isBroken);
    if (!isBroken() && this.world.features.hasMarks) await lastMarks(this.world, () => this.#missing(), isBroken);
    if (!isBroken() && this.world.features.store === 'apart')
      await lastMove(this.world, () => this.#missing(), isBroken);
  }

  /** Everyone leaves, and nothing of it may stay. */
  async end(isBroken: () => boolean): Promise<void> {
    const { world } = this;
    const { simulator, journal, users, programs, hosts } = world;
    for (const user of users) user.leave();
    for (const program of programs) program.leave();
    await simulator.run(simulator.nowMs + EMPTY_MS, isBroken);
    const { node } = world;
    if (isBroken() || node === undefined) return;
    if (world.former !== undefined) journal.broken('G9 close', `${world.former.name} does not stop`);
    for (const user of users) {
      const { state } = user.line.connection.snapshot();
      if (state !== 'idle') journal.broken('G9 close', `${user.host.name} is ${state} though nobody looks`);
    }
    const { sessions, hub } = node.engine;
    if (sessions.size > 0) journal.broken('G9 close', `${sessions.size} sessions are left`);
    if (hub.activeStreams > 0) journal.broken('G9 close', `${hub.activeStreams} streams are left`);
    for (const host of hosts) host.forgetWires();
    const open = hosts.filter(({ wires }) => [...wires].some(({ silentSinceMs }) => silentSinceMs === undefined));
    if (open.length > 0) journal.broken('G9 close', `connections of ${open.map(({ name }) => name)} are left`);
    await this.#quiet(isBroken);
    await this.#stop(isBroken);
  }

  /** Without anyone there is nothing to do: no timer runs wild. */
  async #quiet(isBroken: () => boolean): Promise<void> {
    const { simulator, journal } = this.world;
    const before = simulator.events;
    await simulator.run(simulator.nowMs + 10_000, isBroken);
    const events = simulator.events - before;
    if (events > 10 * IDLE_EVENTS_PER_SECOND) journal.broken('G9 close', `${events} events in 10 idle seconds`);
  }

  async #stop(isBroken: () => boolean): Promise<void> {
    const { world } = this;
    let isStopped = false;
    world.stop(() => {
      isStopped = true;
    });
    await world.simulator.run(world.simulator.nowMs + 10_000, isBroken);
    if (!isStopped) world.journal.broken('G9 close', 'the server does not stop');
  }

  // ── what must never be ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Once a second: nobody may keep a connection that is dead. */
  #round(): void {
    for (const { calls, host } of this.world.users) {
      if (!host.machine.isAsleep) calls?.lost((word) => this.world.procedures.isCutOff(word));
    }
    for (const host of this.world.hosts) {
      host.forgetWires();
      for (const wire of host.wires) {
        if (wire.silentSinceMs === undefined) continue;
        if (!host.name.startsWith('mute') && host.name !== 'repeater') this.#isNoticed(wire, 'client', host.name);
        this.#isNoticed(wire, 'server', host.name);
      }
    }
  }

  #isNoticed(wire: Wire, side: Side, name: string): void {
    const { world } = this;
    const { simulator, setup, journal } = world;
    if (wire.isGone(side)) return;
    const host = world.hosts.find((one) => one.name === name);
    // The server that had it may be gone, and the one that runs never knew it.
    const node = world.servers.find(({ connections }) => [...connections].some((one) => one.wire === wire));
    const machine = side === 'client' ? host?.machine : node?.machine;
    if (machine === undefined || !machine.isAlive || machine.isAsleep) return;
    const sinceMs = Math.max(wire.silentSinceMs ?? 0, machine.disturbedMs);
    const forMs = Math.max(4 * setup.pingMs, setup.stallTimeoutMs, setup.helloTimeoutMs) + CLOSE_WAIT_MS + SLACK_MS;
    if (simulator.nowMs - sinceMs > forMs) {
      journal.broken('CON-5', `the ${side} keeps a connection of ${name} that is dead for ${Math.round(forMs)} ms`);
    }
  }

  // ── what must come about ───────────────────────────────────────────────────────────────────────────────────────────

  /** The first thing that is not yet as it must be. */
  #missing(): string | undefined {
    const { users, servers } = this.world;
    // Who sleeps may show what was right when it fell asleep: it has come together when it is awake and still does.
    const sleeper = [...servers, ...users.map(({ host }) => host)].find(({ machine }) => machine.isAsleep);
    if (sleeper !== undefined) return `${sleeper.name} sleeps`;
    const untold = this.world.backend?.ledger.lacking(false);
    if (untold !== undefined) return untold;
    for (const { host, line, views, open, tables, calls, amends, presence, marks } of users) {
      const { state } = line.connection.snapshot();
      if (state !== 'live') return `${host.name} is ${state}`;
      for (const view of views.values()) {
        const lacking = view.lacking();
        if (lacking !== undefined) return `${host.name} ${view.handle.name} ${lacking}`;
      }
      for (const view of tables?.views ?? []) {
        const lacking = view.lacking();
        if (lacking !== undefined) return `${host.name} ${view.handle.name} ${lacking}`;
      }
      const [change] = tables?.open ?? [];
      if (change !== undefined) return `${host.name} waits for "${change.word}" in ${change.table.stream}`;
      const { node } = this.world;
      const who = presence && node && presence.lacking(node.presence.of(presence.log));
      if (who !== undefined) return `${host.name} ${who}`;
      const mark = marks?.lacking();
      if (mark !== undefined) return `${host.name} ${mark}`;
      const [amendment] = amends?.open ?? [];
      if (amendment !== undefined) return `${host.name} waits for an amendment of ${amendment.stream}`;
      const [call] = calls?.open ?? [];
      if (call !== undefined) return `${host.name} waits for "${call.word}"`;
      const [first] = open;
      if (first !== undefined) return `${host.name} waits for "${first.id}" in ${first.stream}`;
    }
    return undefined;
  }

  /** The store holds what the ledger says, to the letter. */
  #storeAgrees(): void {
    const { ledger, store, journal } = this.world;
    for (const stream of ledger.streams) {
      const history = ledger.current(stream);
      const kept = store.kept(stream);
      if (history === undefined || kept === null) {
        journal.broken('G2 stored', `${stream} is not in the store`);
        continue;
      }
      const isSame = kept.epoch === history.epoch && kept.head === history.head && kept.floor === history.floor;
      const isHeld = history.entries.slice(kept.floor).every(({ offset, forms, amends = 0 }) => {
        // Only a record that says nothing any more may be erased.
        const isNews = amends === 0 || history.at(amends)?.forms.at(-1)?.offset === offset;
        const data = kept.data.get(offset);
        return data === undefined ? !isNews : data === (forms.at(-1)?.data ?? 'null');
      });
      if (!isSame || !isHeld) {
        journal.broken(
          'G2 stored',
          `${stream}: the store holds (${kept.floor}, ${kept.head}], the ledger ${history.head}`,
        );
      }
    }
  }
}
