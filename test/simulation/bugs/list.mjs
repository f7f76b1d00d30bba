// Bugs that somebody could make, each as a change of compiled code. The simulation has to find every one of them within 200 seeds:
// else it would not find them either if somebody did. `breaks` is the promise whose breach has to be reported.

import { MARK_BUGS } from './marks.mjs';
import { OUTBOX_BUGS } from './outbox.mjs';

export const BUGS = [
  {
    name: 'a resume begins one entry too late',
    breaks: 'SUB-2',
    patches: [
      {
        in: 'core',
        find: 'const from = after.offset;',
        put: 'const from = after.offset + 1;',
      },
    ],
  },
  {
    name: 'a resume skips one entry without a word',
    breaks: 'SUB-5',
    patches: [
      {
        in: 'core',
        find: 'cursor.start(gap?.to ?? from);',
        put: 'cursor.start(gap?.to ?? Math.min(cursor.stream.head, from + 1));',
      },
    ],
  },
  {
    name: 'repeats are not known any more',
    breaks: 'G3 once',
    patches: [
      {
        in: 'broker-sqlite',
        find: 'if (producer === undefined || seq > producer.last)',
        put: 'if (true)',
      },
      {
        in: 'broker-sqlite/reader.js',
        find: 'return row === undefined ? null',
        put: 'return true ? null',
      },
      {
        in: 'broker-sqlite/row-batch.js',
        find: 'INSERT INTO',
        put: 'INSERT OR IGNORE INTO',
      },
    ],
  },
  {
    name: 'an answer leaves before the commit',
    breaks: 'G2 stored',
    patches: [
      {
        in: 'broker-sqlite/writer.js',
        find: 'this.#commit.run([]);',
        put: 'queueMicrotask(() => this.#commit.run([]));',
      },
    ],
  },
  {
    name: 'a power loss takes a tail that was told of, and its offsets are given again',
    breaks: 'G2 stored',
    patches: [{ in: 'broker-sqlite', find: 'synchronous = FULL', put: 'synchronous = NORMAL' }],
  },
  {
    name: 'every resume is answered with a gap',
    breaks: 'G4 resume',
    patches: [
      {
        in: 'core',
        find: 'if (after.epoch !== stream.epoch || from > stream.head || isRewritten) {',
        put: 'if (true) {',
      },
    ],
  },
  {
    name: 'a history that was trimmed is passed over in silence',
    breaks: 'G1 order',
    patches: [
      { in: 'core', find: 'if (from >= floor)\n        return { from };', put: 'return { from };' },
      {
        in: 'core',
        find: "this.skip('trimmed', offset, lost);",
        put: 'this.cursor = offset;',
      },
    ],
  },
  {
    name: 'slices go on after an unsubscribe',
    breaks: 'SUB-8',
    patches: [{ in: 'core', find: 'this.session.engine.hub.drop(held);', put: '' }],
  },
  {
    name: 'tokens of former owners are not looked at',
    breaks: 'fencing',
    patches: [
      {
        in: 'broker-sqlite/writer.js',
        find: 'if (known !== undefined && fence !== undefined && fence < known.fence) {',
        put: 'if (false) {',
      },
    ],
  },
  {
    name: 'the ring lets go of one entry too many',
    breaks: 'G1 order',
    patches: [
      {
        in: 'core',
        find: 'this.#first += 1;',
        put: 'this.#first += this.#items.length - this.#first > 2 ? 2 : 1;',
      },
    ],
  },
  {
    name: 'hooks of one producer run side by side',
    breaks: 'G11 producer order',
    patches: [
      {
        in: 'core',
        find: 'lane.tail.then(() => this.#prepare(lane, work))',
        put: 'Promise.resolve().then(() => this.#prepare(lane, work))',
      },
    ],
  },
  {
    name: 'a publish is stored though the one before it failed',
    breaks: 'G11 producer order',
    patches: [{ in: 'core/publishing.js', find: 'if (after !== 0)', put: 'if (false)' }],
  },
  {
    name: 'nobody looks at how much waits for a reader',
    breaks: 'G5 bounded',
    patches: [
      {
        in: 'core',
        find: 'return this.outflow.isFull(MIN_WINDOW_BYTES);',
        put: 'return false;',
      },
      { in: 'core', find: 'if (this.isClogged || this.#held)', put: 'if (this.#held)' },
    ],
  },
  {
    name: 'a client takes the new epoch and keeps its old offset',
    breaks: 'G1 order',
    patches: [{ in: 'client', find: 'restart(epoch, to);', put: 'restart(epoch, replica.offset);' }],
  },
  {
    name: 'a client does not notice that its link is dead',
    breaks: 'CON-5',
    patches: [
      {
        in: 'client',
        find: "timers.set('silence', leftMs, check);",
        put: '{}',
      },
    ],
  },
  {
    name: 'a server does not notice that a peer is gone',
    breaks: 'CON-5',
    patches: [
      { in: 'core', find: "return 'silent';", put: 'return null;' },
      { in: 'core', find: "return 'stalled';", put: 'return null;' },
    ],
  },
  {
    name: 'what was not acknowledged is not sent again',
    breaks: 'G6 converge',
    patches: [
      {
        in: 'client',
        find: "lost() {\n            timers.clear('resend');\n            rewind();",
        put: "lost() {\n            timers.clear('resend');",
      },
    ],
  },
  {
    name: 'what is sent again gets a new number',
    breaks: 'G6 converge',
    patches: [
      {
        in: 'client',
        find: 'item.onWire = false;\n    }',
        put: 'if (item.onWire && !item.stored) { item.onWire = false; lastSeq += 1; item.seq = lastSeq; }\n    }',
      },
    ],
  },
  {
    name: 'a subscription outlives the right to it',
    breaks: 'SUB-9',
    patches: [
      {
        in: 'core',
        find: 'const refusal = answer === true ? null : this.#refusal(answer);',
        put: 'const refusal = null;',
      },
    ],
  },
  {
    name: 'an expired token goes on being good',
    breaks: 'CON-9',
    patches: [
      {
        in: 'core',
        find: 'return identity?.expiresAt !== undefined && nowMs >= identity.expiresAt;',
        put: 'return false;',
      },
    ],
  },
  {
    name: 'a notification that is missing is not missed',
    breaks: 'G1 order',
    patches: [
      {
        in: 'core',
        find: 'if (entries === undefined || from > this.ring.end)',
        put: 'if (entries === undefined)',
      },
      // Alone that is mended here: what is behind a hole is taken for the first that is kept.
      { in: 'core', find: 'if (entry.offset > this.ring.end + 1)', put: 'if (false)' },
    ],
  },
  {
    name: 'a notification of a table that is missing is not missed',
    breaks: 'G6 step',
    patches: [
      {
        in: 'core',
        find: 'if (rows === undefined || gone === undefined || from > this.rows.head)',
        put: 'if (rows === undefined || gone === undefined)',
      },
    ],
  },
  {
    name: 'a deletion that is forgotten is passed over in silence',
    breaks: 'G6 step',
    patches: [{ in: 'core', find: ' && after.offset >= table.floor', put: '' }],
  },
  {
    name: 'who could be told of every deletion begins anew',
    breaks: 'TAB-5',
    patches: [{ in: 'core', find: ' && after.offset >= table.floor', put: ' && after.offset > table.floor + 3' }],
  },
  {
    name: 'fields that are gone stay with the reader',
    breaks: 'G6 forward',
    patches: [{ in: 'client', find: 'for (const field of own(unset, key) ?? [])', put: 'for (const field of [])' }],
  },
  {
    name: 'a field that changed is told as if it had not',
    breaks: 'G6 step',
    patches: [
      {
        in: 'core',
        find: 'known?.text === text ? known : { text, offset }',
        put: 'known?.text === text ? known : { text, offset: known?.offset ?? offset }',
      },
    ],
  },
  {
    name: 'a slice after a tune is of another watch list',
    breaks: 'TAB-6',
    patches: [{ in: 'core', find: 'list?.number ?? 0', put: '0' }],
  },
  {
    name: 'who begins anew is not told so',
    breaks: 'G6 forward',
    patches: [{ in: 'core', find: 'text += \',"reset":true\';', put: '{}' }],
  },
  {
    name: 'a pause is not heeded',
    breaks: 'TAB-2',
    patches: [{ in: 'core', find: 'this.#wishes.paused || ', put: '' }],
  },
  {
    name: 'rows expire before their time',
    breaks: 'G6 expiry',
    patches: [
      { in: 'broker-sqlite', find: 'WHERE r.expires_at <= ? ORDER', put: 'WHERE r.expires_at <= ? + 5000 ORDER' },
    ],
  },
  {
    name: 'a condition is not looked at',
    breaks: 'TAB-8',
    patches: [
      { in: 'broker-sqlite', find: 'if (change.if !== undefined && change.if !== actual) {', put: 'if (false) {' },
    ],
  },
  {
    name: 'what a checkpoint could not write is forgotten',
    breaks: 'G2 stored',
    patches: [{ in: 'core', find: 'for (const key of keys)\n                table.dirty.add(key);', put: '' }],
  },
  {
    name: 'what was called once runs again when it is sent again',
    breaks: 'G3 once',
    patches: [
      { in: 'core', find: 'known === null ? await this.#admitted() : cameOf(known)', put: 'await this.#admitted()' },
      { in: 'core', find: "if (call.state !== 'new')\n                return call;", put: '' },
    ],
  },
  {
    name: 'a call that nobody asked to repeat is sent again',
    breaks: 'PRO-3',
    patches: [
      {
        in: 'client',
        find: "if (!call.fields.seq)\n                fail(call, 'unavailable', 'the connection was lost before the answer');",
        put: '',
      },
    ],
  },
  {
    name: 'a slow reader is not owed the newest value',
    breaks: 'G6 converge',
    patches: [
      {
        in: 'core/table-subscription.js',
        find: 'if (!this.#mayPut)\n                    return;',
        put: 'if (!this.#mayPut) { this.#isOwed = false; return; }',
      },
    ],
  },
  {
    name: 'a view with a rate lets go of what comes before its turn',
    breaks: 'G6 converge',
    patches: [{ in: 'client/lens.js', find: "timers.set('due', waitMs, tell);", put: '{}' }],
  },
  {
    name: 'a part of what changed moves the position of its reader',
    breaks: 'G6 forward',
    patches: [{ in: 'core/row-slice.js', find: 'since: isLast ? rows.head : place.since', put: 'since: to' }],
  },
  {
    name: 'a client lets go of the server before, and has not caught up with the next one',
    breaks: 'G10 restart',
    patches: [{ in: 'client', find: 'if (old && isResumed()) {', put: 'if (old) {' }],
  },
  {
    name: 'the ring keeps entries as they were before they were amended',
    breaks: 'AMD-3',
    patches: [{ in: 'core/ring.js', find: 'if (data !== undefined && entryAt >= this.#first)', put: 'if (false)' }],
  },
  {
    name: 'a client does not obey records',
    breaks: 'G6 converge',
    patches: [{ in: 'client/replica.js', find: 'result[index] = presentEntry(entry, entry.key, amends);', put: '{}' }],
  },
  {
    name: 'a reaction takes the place of another’s',
    breaks: 'AMD-4',
    patches: [
      { in: 'core/entry-state.js', find: 'by.set(reaction, [...users, userId])', put: 'by.set(reaction, [userId])' },
    ],
  },
  {
    name: 'a deleted entry keeps what it said',
    breaks: 'AMD-4',
    patches: [
      { in: 'core/entry-state.js', find: "return { data: 'null', state", put: 'return { data: entry.data, state' },
    ],
  },
  {
    name: 'who comes back within the grace had left',
    breaks: 'PRS-2',
    patches: [
      {
        in: 'core/present-channel.js',
        find: 'this.#leaving.set(id, this.clock.nowMs() + this.graceMs);',
        put: 'this.#leaving.set(id, this.clock.nowMs());',
      },
    ],
  },
  {
    name: 'who is gone stays present',
    breaks: 'G6 converge',
    patches: [{ in: 'core', find: 'engine.presence.leave(name, identity.id, isBarred);', put: '{}' }],
  },
  {
    name: 'a server that drains asks nobody to move',
    breaks: 'G10 restart',
    patches: [
      {
        in: 'core',
        find: 'for (const session of this.sessions)\n            this.#askToMove(session);',
        put: '',
      },
    ],
  },
  ...MARK_BUGS,
  ...OUTBOX_BUGS,
];
