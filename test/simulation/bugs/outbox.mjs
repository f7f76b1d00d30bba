// Deliberate bugs in the outbox and in what a back end is told, as in list.mjs.

export const OUTBOX_BUGS = [
  {
    name: 'the back end counts as told before it has answered',
    breaks: 'Told',
    patches: [
      {
        in: 'server/backend/delivery.js',
        find: 'const told = await (tell(',
        put: 'this.#advance(line, entry.offset); void this.#note(line); const told = await (tell(',
      },
    ],
  },
  {
    name: 'an answer that is an error counts as told',
    breaks: 'Told',
    patches: [{ in: 'server/backend/backend.js', find: 'if (status >= 200 && status < 300)', put: 'if (true)' }],
  },
  {
    name: 'a log is told of by two at a time',
    breaks: 'Told',
    patches: [{ in: 'server/backend/delivery.js', find: 'line.isRunning = true;', put: '' }],
  },
  {
    name: 'what waited before a restart is not looked for',
    breaks: 'Told',
    patches: [
      {
        in: 'server/backend/delivery.js',
        find: 'for (const { stream, epoch, done, head, oldestAt } of page)',
        put: 'for (const { stream, epoch, done, head, oldestAt } of [])',
      },
    ],
  },
  {
    name: 'that a log waits is not kept with what is appended to it',
    breaks: 'Told',
    patches: [
      {
        in: 'broker-sqlite/stream-register.js',
        find: 'this.#saveStream.run([head, floor, fence, ...retain, outboxDone,',
        put: 'this.#saveStream.run([head, floor, fence, ...retain, outboxDone === null ? null : head,',
      },
    ],
  },
  {
    name: 'it is not noted what the back end was told',
    breaks: 'Told',
    patches: [
      {
        in: 'broker-sqlite/outbox-writer.js',
        find: 'stream.outboxDone = to;',
        put: 'if (death) stream.outboxDone = to;',
      },
    ],
  },
  {
    name: 'retention takes what waits',
    breaks: 'Told',
    patches: [
      {
        in: 'broker-sqlite/trimmer.js',
        find: 'const keep = stream.outboxDone ?? stream.head;',
        put: 'const keep = stream.head;',
      },
    ],
  },
  {
    name: 'a dead letter is lost',
    breaks: 'Told',
    patches: [{ in: 'broker-sqlite/outbox-writer.js', find: 'this.#bury.run([', put: 'void ([' }],
  },
  {
    name: 'an entry dies one attempt too early',
    breaks: 'Told',
    patches: [
      {
        in: 'server/backend/delivery.js',
        find: 'line.attempts >= options.maxAttempts',
        put: 'line.attempts >= options.maxAttempts - 1',
      },
    ],
  },
  {
    name: 'attempts are not counted',
    breaks: 'Told',
    patches: [{ in: 'server/backend/delivery.js', find: 'isDead || told.later.reachedIt ? 1 : 0', put: '0' }],
  },
  {
    name: 'a dead letter is forgotten though the back end still does not take it',
    breaks: 'Told',
    patches: [
      {
        in: 'server/backend/backend.js',
        find: "if (told === 'told') {\n            await this.forget(id);\n            return;",
        put: '{\n            await this.forget(id);\n            return;',
      },
    ],
  },
  {
    name: 'what the back end cannot be asked about is let pass',
    breaks: 'Told',
    patches: [{ in: 'server/backend/rules.js', find: "whenDown === 'accept'", put: "whenDown !== ''" }],
  },
];
