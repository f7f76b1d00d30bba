import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeClient,
  decodeServer,
  isPublishOk,
  isReadOk,
  isSubscribeOk,
  MAX_STREAM_NAME_BYTES,
} from '../src/index.js';
import { CLIENT_SAMPLES, SERVER_SAMPLES } from './samples.js';

const decodeOne = {
  client: (message: object) => decodeClient(JSON.stringify(message), 1)[0],
  server: (message: object) => decodeServer(JSON.stringify(message))[0],
};
type Side = keyof typeof decodeOne;

/** For each message: its optional fields. All others are required. */
const OPTIONAL: Readonly<Record<Side, Readonly<Record<string, readonly string[]>>>> = {
  client: {
    hello: ['token', 'features'],
    subscribe: ['after', 'last', 'most', 'rate', 'keys', 'held', 'paused', 'away'],
    tune: ['rate', 'keys', 'paused', 'away'],
    change: ['set', 'patch', 'unset', 'delete', 'if'],
    // `producer` and `seq` only together: see below.
    call: ['deadlineMs'],
    read: ['epoch'],
    search: ['before'],
  },
  server: {
    error: ['id', 'afterMs', 'refusal'],
    entries: ['epoch'],
    rows: ['epoch', 'reset', 'set', 'patch', 'unset', 'delete', 'drop'],
    gap: ['lost'],
    signal: ['user'],
    ended: ['afterMs'],
    ping: ['rttMs'],
    goodbye: ['afterMs', 'spreadMs'],
  },
};
/** Values that no field of the protocol takes. */
const NEVER_RIGHT = [[[[]]], [7], { no: 'such' }, -1.5, '\ud800 \n'];
/** Fields that take any JSON value, and those that take free text or any number. */
const ANY_JSON = new Set([
  'client publish data',
  'client amend edit',
  'client call data',
  'server progress data',
  'server welcome user',
  ...['client signal data', 'server signal data', 'server signal user'],
]);
const takes = (value: unknown, field: string) =>
  (typeof value === 'string' &&
    /stream|procedure|token|session|message|refusal|search query|signal name|goodbye reason$/.test(field)) ||
  (typeof value === 'number' && /now|Ms$/.test(field) && !/(ping|deadline)Ms$/.test(field));

const cases = [
  ...Object.values(CLIENT_SAMPLES).map((message) => ({ side: 'client' as const, message })),
  ...Object.values(SERVER_SAMPLES).map((message) => ({ side: 'server' as const, message })),
].map(({ side, message }) => {
  const fields = Object.keys(message).filter((key) => key !== 'type');
  return [`${side} ${message.type}`, { side, message, type: message.type, fields }] as const;
});

describe.each(cases)('%s', (_, { side, message, type, fields }) => {
  it('is accepted with all its fields', () => {
    expect(decodeOne[side](message)).toEqual(message);
  });

  it('is accepted without its optional fields, and only without those', () => {
    for (const field of fields) {
      const rest: Record<string, unknown> = { ...message };
      delete rest[field];
      const decoded = decodeOne[side](rest);
      if (OPTIONAL[side][type]?.includes(field)) expect(decoded).toEqual(rest);
      else expect(decoded).toMatchObject({ type: 'problem', message: expect.stringContaining(field) });
    }
  });

  it('names the field that is wrong', () => {
    for (const field of fields) {
      if (ANY_JSON.has(`${side} ${type} ${field}`)) continue;
      const nullable = /^(gap epoch|tune rate|tune keys)$/.test(`${type} ${field}`);
      for (const wrong of [...NEVER_RIGHT, ...(nullable ? [] : [null])]) {
        if (takes(wrong, `${type} ${field}`)) continue;
        expect(decodeOne[side]({ ...message, [field]: wrong }), `${field}: ${JSON.stringify(wrong)}`).toMatchObject({
          type: 'problem',
          code: 'invalid',
          message: expect.stringMatching(new RegExp(`^${type}: .*\\b${field}\\b`)),
        });
      }
    }
  });

  it('is judged without an exception, whatever its fields hold', () => {
    fc.assert(
      fc.property(fc.record(Object.fromEntries(fields.map((field) => [field, fc.jsonValue()]))), (values) => {
        expect(decodeOne[side]({ ...values, type })?.type).toMatch(/./);
      }),
      { numRuns: 50 },
    );
  });
});

describe('amend', () => {
  const { edit, ...amend } = CLIENT_SAMPLES.amend;
  const four = { edit: null, delete: true, react: '👍', unreact: '👍' };

  it('AMD-1: says exactly one of the four', () => {
    expect(decodeOne.client(amend)).toMatchObject({ type: 'problem', message: expect.stringContaining('exactly one') });
    for (const [name, value] of Object.entries(four)) {
      expect(decodeOne.client({ ...amend, [name]: value })).toMatchObject({ type: 'amend' });
      for (const [other, too] of Object.entries(four)) {
        if (other === name) continue;
        expect(decodeOne.client({ ...amend, [name]: value, [other]: too })).toMatchObject({ type: 'problem' });
      }
    }
  });

  it('AMD-1: a reaction has 1 to 64 bytes, an offset counts from 1', () => {
    const isFine = (fields: object) => decodeOne.client({ ...amend, ...fields })?.type === 'amend';
    for (const name of ['react', 'unreact']) {
      const sizes = ['', 'x', 'x'.repeat(64), 'x'.repeat(65), 'é'.repeat(32), 'é'.repeat(33)];
      expect(sizes.map((value) => isFine({ [name]: value }))).toEqual([false, true, true, false, true, false]);
    }
    expect([0, 1, 2 ** 53].map((offset) => isFine({ offset, delete: true }))).toEqual([false, true, false]);
    const deep = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
    expect([100, 101].map((depth) => isFine({ edit: deep(depth) }))).toEqual([true, false]);
  });

  it('AMD-2: a record has `amends` in place of `data`', () => {
    const entries = (item: object) =>
      decodeOne.server({ ...SERVER_SAMPLES.entries, items: [{ offset: 45, at: 1, ...item }] });
    const right = [
      { amends: { offset: 41 } },
      { amends: { offset: 41, data: null, deletedAt: 1 } },
      { data: 1, reactions: { a: ['b'] } },
    ];
    for (const item of right) expect(entries(item)).toMatchObject({ type: 'entries' });
    const wrong = [
      {},
      { amends: 41 },
      { amends: { offset: 0 } },
      { amends: { offset: 1, editedAt: 'now' } },
      { data: 1, reactions: { a: 'b' } },
    ];
    for (const item of wrong) expect(entries(item)).toMatchObject({ type: 'problem' });
  });
});

describe('bounds', () => {
  const isFine = (message: object) => decodeOne.client(message)?.type !== 'problem';
  const publish = (fields: object) => isFine({ ...CLIENT_SAMPLES.publish, ...fields });
  const subscribe = (fields: object) => isFine({ ...CLIENT_SAMPLES.subscribe, ...fields });

  it('ids and seq count from 1 to 2^53 - 1', () => {
    for (const field of ['id', 'seq']) {
      expect([0, 1, 2 ** 53 - 1, 2 ** 53].map((value) => publish({ [field]: value }))).toEqual([
        false,
        true,
        true,
        false,
      ]);
    }
  });

  it('offsets and last count from 0', () => {
    expect([-1, 0, 1].map((last) => subscribe({ last }))).toEqual([false, true, true]);
    expect([-1, 0, 1].map((offset) => subscribe({ after: { epoch: 'e', offset } }))).toEqual([false, true, true]);
    expect([0, 1].map((most) => subscribe({ most }))).toEqual([false, true]);
  });

  it('PUB-1: a producer has 1 to 64 letters, digits, _ or -', () => {
    expect(['', 'p', 'p'.repeat(64), 'p'.repeat(65)].map((producer) => publish({ producer }))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(['a_B-9', 'a b', 'a\n', 'é', 'a/b'].map((producer) => publish({ producer }))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('SUB-1: a stream name has 1 to 512 bytes', () => {
    const names = [0, 1, MAX_STREAM_NAME_BYTES, MAX_STREAM_NAME_BYTES + 1].map((length) => 'x'.repeat(length));
    expect(names.map((stream) => publish({ stream }))).toEqual([false, true, true, false]);
  });

  it("SIG-2: a signal's name has 1 to 64 characters", () => {
    const names = ['', 'n', 'n'.repeat(64), 'n'.repeat(65)];
    expect(names.map((name) => isFine({ ...CLIENT_SAMPLES.signal, name }))).toEqual([false, true, true, false]);
  });

  it('TAB-2: a rate is above 0 and at most 100 a second', () => {
    expect([0, 0.1, 100, 100.1, -1].map((rate) => subscribe({ rate }))).toEqual([false, true, true, false, false]);
  });

  it("a row's key has 1 to 256 bytes", () => {
    const keys = ['', 'k', 'k'.repeat(256), 'k'.repeat(257), 'é'.repeat(128), 'é'.repeat(129)];
    const verdicts = [false, true, true, false, true, false];
    expect(keys.map((key) => subscribe({ keys: [key] }))).toEqual(verdicts);
    const change = (fields: object) => isFine({ type: 'change', id: 1, stream: 'q', producer: 'p', seq: 1, ...fields });
    expect(keys.map((key) => change({ set: { [key]: {} } }))).toEqual(verdicts);
    expect(keys.map((key) => change({ delete: [key] }))).toEqual(verdicts);
  });

  it('TAB-5: a change names each row once, and conditions only for what it changes', () => {
    const change = (fields: object) => isFine({ type: 'change', id: 1, stream: 'q', producer: 'p', seq: 1, ...fields });
    const fields = [
      { set: { A: {} }, patch: { B: {} }, unset: { B: ['x'], C: ['x'] }, delete: ['D'], if: { C: 0, D: 1 } },
      { set: { A: {} }, patch: { A: {} } },
      { patch: { A: {} }, delete: ['A'] },
      { delete: ['A', 'A'] },
      { set: { A: {} }, if: { B: 1 } },
      { set: JSON.parse('{"__proto__":{},"constructor":{}}'), delete: ['__proto__'] },
      {},
    ];
    expect(fields.map(change)).toEqual([true, false, false, false, false, false, true]);
  });

  it('numbers that JSON rounds to infinity are no times', () => {
    const text = '{"type":"subscribe","id":1,"stream":"a","after":{"epoch":"e","offset":1,"at":1e999}}';
    expect(decodeClient(text, 1)).toMatchObject([{ type: 'problem', message: expect.stringContaining('after') }]);
  });

  it('REA-1: a read names exactly one of before and after', () => {
    const { before: _before, ...read } = CLIENT_SAMPLES.read;
    expect(
      [{}, { before: 1 }, { after: 1 }, { before: 1, after: 1 }].map((fields) => isFine({ ...read, ...fields })),
    ).toEqual([false, true, true, false]);
  });

  it('PRO-3: a call names both of producer and seq, or neither', () => {
    const { producer: _producer, seq: _seq, ...call } = CLIENT_SAMPLES.call;
    expect(
      [{}, { producer: 'p' }, { seq: 1 }, { producer: 'p', seq: 1 }].map((fields) => isFine({ ...call, ...fields })),
    ).toEqual([true, false, false, true]);
  });

  it('a procedure has a name of 1 to 256 characters', () => {
    const named = (length: number) => isFine({ ...CLIENT_SAMPLES.call, procedure: 'x'.repeat(length) });
    expect([0, 1, 256, 257].map(named)).toEqual([false, true, true, false]);
  });

  it('any JSON value is data, null and false included', () => {
    expect([null, false, 0, '', [], {}].map((data) => publish({ data }))).toEqual(Array(6).fill(true));
  });
});

describe('items', () => {
  const [item] = SERVER_SAMPLES.entries.items;
  const withItem = (fields: object) => decodeOne.server({ ...SERVER_SAMPLES.entries, items: [{ ...item, ...fields }] });

  it.each([
    { offset: 0 },
    { offset: '1' },
    { at: null },
    { data: undefined },
    { producer: 7 },
    { producer: '' },
    { seq: 0 },
  ])('an item with %j is refused', (fields) => {
    expect(withItem(fields)).toMatchObject({ type: 'problem', message: expect.stringContaining('items') });
  });

  it('an item of the server itself has neither user, producer nor seq', () => {
    expect(withItem({ user: undefined, producer: undefined, seq: undefined })).toMatchObject({ type: 'entries' });
  });

  it('every limit that welcome announces is a number', () => {
    const { limits } = SERVER_SAMPLES.welcome;
    for (const limit of Object.keys(limits)) {
      for (const wrong of [undefined, null, '9', -1]) {
        const welcome = { ...SERVER_SAMPLES.welcome, limits: { ...limits, [limit]: wrong } };
        expect(decodeOne.server(welcome)).toMatchObject({
          type: 'problem',
          message: expect.stringContaining('limits'),
        });
      }
    }
    expect(decodeOne.server({ ...SERVER_SAMPLES.welcome, limits: { ...limits, later: 1 } })).toMatchObject({
      type: 'welcome',
    });
  });
});

describe('ok', () => {
  const subscribed = { type: 'ok', id: 1, ch: 7, kind: 'log', epoch: null, head: 44, floor: 0, from: 41 };
  const published = { type: 'ok', id: 1, epoch: 'e', offset: 4, at: 1_763_650_001_234 };
  const page = { type: 'ok', id: 1, epoch: 'e', head: 44, floor: 0, items: SERVER_SAMPLES.entries.items };

  it('needs only an id to be a message', () => {
    expect(decodeOne.server({ type: 'ok', id: 1 })).toEqual({ type: 'ok', id: 1 });
    expect(decodeOne.server({ type: 'ok' })).toMatchObject({ type: 'problem', message: expect.stringContaining('id') });
    expect(decodeOne.server({ type: 'ok', id: 0 })).toMatchObject({ type: 'problem' });
  });

  it.each([
    ['subscribe', isSubscribeOk, subscribed, ['ch', 'kind', 'epoch', 'head', 'floor', 'from']],
    ['publish', isPublishOk, published, ['epoch', 'offset', 'at']],
    ['read', isReadOk, page, ['epoch', 'head', 'floor', 'items']],
  ] as const)('answers a %s only with all its fields', (_, answers, right, fields) => {
    expect(answers(right)).toBe(true);
    for (const field of fields) {
      expect(answers({ ...right, [field]: undefined }), field).toBe(false);
      expect(answers({ ...right, [field]: {} }), field).toBe(false);
    }
  });

  it('a history that was never written has no epoch', () => {
    expect(isSubscribeOk({ ...subscribed, epoch: null })).toBe(true);
    expect(isReadOk({ ...page, epoch: null, items: [] })).toBe(true);
    expect(isPublishOk({ ...published, epoch: null })).toBe(false);
  });
});
