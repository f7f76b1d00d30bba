// Deliberate bugs in read marks and unread counts, as in list.mjs.

export const MARK_BUGS = [
  {
    name: 'a mark moves back',
    breaks: 'MRK-1',
    patches: [{ in: 'core/markers.js', find: 'offset > (before ?? 0)', put: 'offset > 0' }],
  },
  {
    name: 'a mark is taken that lies beyond the head',
    breaks: 'MRK-1',
    patches: [{ in: 'core/markers.js', find: 'if (offset > head.offset) {', put: 'if (false) {' }],
  },
  {
    name: 'a mark is acknowledged before it is stored',
    breaks: 'G2 stored',
    patches: [
      {
        in: 'core/markers.js',
        find: 'await Promise.all([\n            this.#write(follows',
        put: 'void Promise.all([\n            this.#write(follows',
      },
    ],
  },
  {
    name: 'marks of a tab leave as they are made',
    breaks: 'MRK-1',
    patches: [{ in: 'client/markers.js', find: "isAsking || timers.has('next') || ", put: '' }],
  },
  {
    name: 'what a user wrote is unread to them',
    breaks: 'G6 converge',
    patches: [{ in: 'core/unread-count.js', find: 'if (owner !== userId)', put: 'if (true)' }],
  },
  {
    name: 'records of amendments are unread',
    breaks: 'G6 converge',
    patches: [{ in: 'core/unread-count.js', find: '.filter((entry) => entry.amends === undefined)', put: '' }],
  },
  {
    name: 'a log that is followed is not counted before the user comes again',
    breaks: 'MRK-4',
    patches: [
      {
        in: 'core/unread.js',
        find: 'void this.#placeOrWarn(watcher, name);',
        put: 'if (watcher.followers.has(name)) void this.#placeOrWarn(watcher, name);',
      },
    ],
  },
  {
    name: 'who may no longer read a log is still shown its count',
    breaks: 'MRK-5',
    patches: [{ in: 'core/engine.js', find: 'this.unread.judgeAgain(userId, stream)', put: 'undefined' }],
  },
  {
    name: 'a mark of another history lands in the one that there is',
    breaks: 'MRK-1',
    patches: [
      {
        in: 'core/markers.js',
        find: 'if (marked !== undefined && marked !== head.epoch)',
        put: 'if (false)',
      },
    ],
  },
];
