// Bugs that somebody could make, each as a change of compiled code. The simulation has to find every one of them within 200 seeds:
// else it would not find them either if somebody did.

export const BUGS = [
  {
    name: 'a resume begins one entry too late',
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
    patches: [{ in: 'broker-sqlite', find: 'synchronous = FULL', put: 'synchronous = NORMAL' }],
  },
  {
    name: 'every resume is answered with a gap',
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
    patches: [
      { in: 'core', find: 'if (from < stream.floor)', put: 'if (false)' },
      {
        in: 'core',
        find: "this.skip('trimmed', error.oldest.offset, error.oldest.offset - from);",
        put: 'this.cursor = error.oldest.offset;',
      },
    ],
  },
  {
    name: 'slices go on after an unsubscribe',
    patches: [{ in: 'core', find: 'this.session.engine.hub.drop(held);', put: '' }],
  },
  {
    name: 'tokens of former owners are not looked at',
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
    patches: [
      {
        in: 'core',
        find: 'lane.tail.then(() => this.#prepare(lane, work))',
        put: 'Promise.resolve().then(() => this.#prepare(lane, work))',
      },
    ],
  },
  {
    name: 'nobody looks at how much waits for a reader',
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
    patches: [{ in: 'client', find: 'restart(epoch, to);', put: 'restart(epoch, replica.offset);' }],
  },
  {
    name: 'a client does not notice that its link is dead',
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
    patches: [
      { in: 'core', find: "return 'silent';", put: 'return null;' },
      { in: 'core', find: "return 'stalled';", put: 'return null;' },
    ],
  },
  {
    name: 'what was not acknowledged is not sent again',
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
    patches: [
      {
        in: 'core',
        find: 'if (entries === undefined || from > this.ring.end)',
        put: 'if (entries === undefined)',
      },
    ],
  },
];
