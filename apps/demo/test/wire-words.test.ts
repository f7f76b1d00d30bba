// The Wire in words: what frames say, and what is folded, shown and left out.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Conversation } from '../client/wire/describe.js';
import { continues, type Filter, type SeenEvent, type SeenFrame, stepsOf } from '../client/wire/steps.js';
import type { WireFrame } from '../shared/wire.js';

const frame = (preview: string, changes: Partial<WireFrame> = {}): WireFrame => ({
  kind: 'frame',
  n: 1,
  connection: 1,
  at: 0,
  direction: 'out',
  opcode: 1,
  fin: true,
  payloadBytes: preview.length,
  preview,
  cut: false,
  ...changes,
});
const frameLabel = (given: WireFrame) => new Conversation().hear(given).label;
const frameContent = (given: WireFrame) => new Conversation().hear(given).content;

describe('frames in words', () => {
  it('are named by their messages', () => {
    expect(frameLabel(frame('{"type":"hello"}\n{"type":"subscribe","id":1}'))).toBe('hello, subscribe');
    expect(frameLabel(frame('{"id":1,"type":"publish"}\n{"id":2,"type":"publish"}'))).toBe('publish ×2');
    expect(frameLabel(frame('nothing of ours'))).toBe('text');
    expect(frameLabel(frame('', { opcode: 9 }))).toBe('Ping');
    expect(frameLabel(frame('', { opcode: 8, closeCode: 1005 }))).toBe('Close without a code');
  });

  it('say what they carry', () => {
    expect(frameContent(frame('{"type":"publish","id":2,"stream":"chat/lobby","data":{"text":"hi"}}'))).toBe(
      'chat/lobby {"text":"hi"}',
    );
    expect(
      frameContent(frame('{"type":"entries","ch":1,"from":0,"to":1,"items":[{"data":"a","at":1},{"da', { cut: true })),
    ).toBe('stream 1 0→1: "a"  …');
    expect(frameContent(frame('{"other":[{"da', { cut: true }))).toBe('{"other":[{"da …');
    expect(frameContent(frame('', { fin: false, payloadBytes: 9 }))).toBe('part of a message, not shown');
  });

  it('never throw, whatever a preview holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.json(), fc.boolean(), (text, json, cut) => {
        for (const preview of [text, json, json.slice(0, json.length / 2)]) frameContent(frame(preview, { cut }));
      }),
    );
  });

  it('never throw, whatever fields a message has', () => {
    const type = fc.constantFrom(
      'rows',
      'tune',
      'change',
      'call',
      'progress',
      'ok',
      'error',
      'seen',
      'entries',
      'cancel',
    );
    const name = fc.constantFrom(
      'ch',
      'id',
      'stream',
      'set',
      'patch',
      'unset',
      'delete',
      'drop',
      'keys',
      'if',
      'items',
      'bytes',
    );
    fc.assert(
      fc.property(type, fc.dictionary(name, fc.jsonValue()), (word, fields) => {
        const { label } = new Conversation().hear(frame(JSON.stringify({ ...fields, type: word })));
        expect(label).toBe(word);
      }),
    );
  });
});

type Frames = readonly (readonly ['in' | 'out', number, object])[];

describe('a conversation', () => {
  /** Frames in their order, as `[direction, at, message]`; what each says. */
  function talk(...frames: Frames) {
    const conversation = new Conversation();
    return frames.map(([direction, at, message]) =>
      conversation.hear(frame(JSON.stringify(message), { direction, at })),
    );
  }
  const QUOTES = [
    ['in', 0, { type: 'subscribe', stream: 'quotes/nyse', rate: 2, keys: ['ACME', 'HOOLI'], id: 1 }],
    ['out', 1, { type: 'ok', id: 1, ch: 7, kind: 'table', epoch: 'k', head: 44, floor: 0, from: 0 }],
  ] as const;
  const contents = (...frames: Frames) => talk(...frames).map(({ content }) => content);
  const last = (...frames: Frames) => talk(...QUOTES, ...frames).at(-1);

  it('knows streams by their numbers', () => {
    expect(contents(...QUOTES)).toEqual([
      'quotes/nyse, 2 a second, 2 rows',
      'quotes/nyse is stream 7: a table, head 44',
    ]);
    const rows = { type: 'rows', ch: 7, from: 41, to: 44 };
    expect(last(['out', 2, rows])).toMatchObject({ streams: ['quotes/nyse'] });
    expect(talk(['out', 2, rows])[0]).toMatchObject({ streams: [], content: 'stream 7 41→44 · nothing to tell' });
  });

  it('is told of streams whose subscribe it has not heard', () => {
    const conversation = new Conversation();
    conversation.name(7, 'quotes/nyse');
    expect(conversation.hear(frame('{"type":"synced","ch":7,"to":9}')).content).toBe('quotes/nyse up to 9');
  });

  it('counts the rows of a slice', () => {
    const rows = {
      type: 'rows',
      ch: 7,
      from: 41,
      to: 44,
      set: { A: {}, B: {} },
      patch: { C: { bid: 1 } },
      unset: { C: ['x'] },
      delete: ['D'],
    };
    expect(last(['out', 2, rows])?.content).toBe('quotes/nyse 41→44 · 2 set, 1 patch, 1 gone');
    const dropped = { type: 'rows', ch: 7, from: 44, to: 44, drop: ['A'] };
    expect(last(['out', 2, dropped])?.content).toBe('quotes/nyse at 44 · 1 dropped');
    const reset = { type: 'rows', ch: 7, from: 0, to: 44, epoch: 'k', reset: true, set: { A: {} } };
    expect(last(['out', 2, reset])?.content).toBe('quotes/nyse 0→44 · all anew, 1 set');
  });

  it('counts at least what is there of a slice that is cut', () => {
    const text = JSON.stringify({ type: 'rows', ch: 7, from: 41, to: 44, patch: { A: { bid: 1 }, B: { bid: 2 } } });
    const cut = new Conversation().hear(frame(text.slice(0, -6), { cut: true }));
    expect(cut.content).toBe('stream 7 41→44 · at least 2 patch …');
  });

  it('says what is tuned and changed', () => {
    expect(
      contents(
        ['in', 0, { type: 'tune', stream: 'q', rate: 10, keys: ['A'], id: 2 }],
        ['out', 0, { type: 'ok', id: 2 }],
        ['in', 0, { type: 'tune', stream: 'q', rate: null, keys: null, paused: true, id: 3 }],
        ['in', 0, { type: 'change', stream: 'desk', id: 4, set: { A: {} }, delete: ['B', 'C'], if: { A: 41 } }],
        ['out', 0, { type: 'ok', id: 4, epoch: 'k', offset: 45 }],
      ),
    ).toEqual([
      'q: 10 a second, 1 row',
      'to tune q',
      'q: each change, all rows, paused',
      'desk · 1 set, 2 gone, if A is at 41',
      'desk stored at offset 45',
    ]);
  });

  it('tells calls and their answers in the words of the question', () => {
    const call = { type: 'call', procedure: 'placeOrder', data: { quantity: 2 }, id: 5, producer: 'p', seq: 1 };
    const progress = { type: 'progress', id: 5, data: 'checking' };
    expect(
      contents(['in', 0, call], ['out', 1, progress], ['out', 12.4, { type: 'ok', id: 5, data: { price: 1 } }]),
    ).toEqual(['placeOrder {"quantity":2}, once', 'placeOrder: "checking"', 'placeOrder → {"price":1}, after 12 ms']);
    const error = { type: 'error', id: 5, code: 'refused', message: 'sold out' };
    expect(contents(['in', 0, call], ['in', 1, { type: 'cancel', id: 5 }], ['out', 2, error])).toEqual([
      'placeOrder {"quantity":2}, once',
      'placeOrder',
      'placeOrder: refused: sold out',
    ]);
    // Answered: the number is free for another question.
    expect(contents(['in', 0, call], ['out', 1, error], ['out', 2, { type: 'ok', id: 5, data: 1 }]).at(-1)).toBe(
      'request 5 → 1',
    );
  });

  it('says what is amended', () => {
    const amend = { type: 'amend', stream: 'chat/a', offset: 41 };
    const record = { offset: 45, at: 1, amends: { offset: 41, data: { text: 'hi' } } };
    expect(
      contents(
        ['in', 0, { ...amend, edit: { text: 'hi' } }],
        ['in', 0, { ...amend, delete: true }],
        ['in', 0, { ...amend, react: '👍' }],
        ['in', 0, { ...amend, unreact: '👍' }],
        [
          'out',
          0,
          { type: 'entries', ch: 1, from: 44, to: 46, items: [record, { ...record, amends: { offset: 12 } }] },
        ],
      ),
    ).toEqual([
      'chat/a entry 41: {"text":"hi"}',
      'chat/a entry 41: delete',
      'chat/a entry 41: 👍',
      'chat/a entry 41: not 👍',
      'stream 1 44→46: 41 is now {"text":"hi"} 12 is now as told elsewhere',
    ]);
  });

  it('says what is signalled, read and followed beside a log', () => {
    const typing = { type: 'signal', name: 'typing', data: { on: true } };
    expect(
      contents(
        ['in', 0, { type: 'subscribe', id: 1, stream: 'chat/a:signals' }],
        ['out', 0, { type: 'ok', id: 1, ch: 4, kind: 'signals', epoch: null, head: 0, floor: 0, from: 0 }],
        ['in', 0, { ...typing, stream: 'chat/a' }],
        ['out', 0, { ...typing, ch: 4, user: { id: 'bob' } }],
        ['in', 0, { type: 'mark', id: 2, stream: 'chat/a', offset: 41 }],
        ['out', 0, { type: 'ok', id: 2 }],
        ['in', 0, { type: 'follow', id: 3, stream: 'chat/b' }],
        ['in', 0, { type: 'tune', id: 4, stream: 'chat/a', away: true }],
        ['in', 0, { type: 'search', id: 5, stream: 'chat/a', query: 'hello wor', before: 42, limit: 20 }],
        ['out', 0, { type: 'ok', id: 5, epoch: 'e', items: [{ offset: 1 }], more: false }],
        ['in', 0, { type: 'read', id: 6, stream: 'chat/a', at: 1_000, limit: 20 }],
      ),
    ).toEqual([
      'chat/a:signals',
      'chat/a:signals is stream 4: signals',
      'chat/a typing {"on":true}',
      'chat/a:signals typing {"on":true} of {"id":"bob"}',
      'chat/a read up to 41',
      'to mark chat/a',
      'chat/b',
      'chat/a: nobody looks',
      'chat/a “hello wor” before 42',
      'chat/a: 1 entry',
      'chat/a, 20 from 1000',
    ]);
  });

  it('says what was processed, and how a server leaves', () => {
    expect(
      contents(
        ['in', 0, { type: 'seen', bytes: 48_213 }],
        ['out', 0, { type: 'drain', withinMs: 20_000, spreadMs: 10_000 }],
        ['out', 0, { type: 'ended', ch: 7, code: 'forbidden', message: 'no longer', retry: false }],
      ),
    ).toEqual([
      '48.2 KB processed so far',
      'move within 10000 ms, served here for 20000 ms',
      'stream 7 forbidden: no longer',
    ]);
  });
});

describe('steps', () => {
  const ALL: Filter = { text: '', kind: '', stream: '' };
  let count = 0;
  /** As they come: heard and numbered in their order. */
  function heard(...frames: readonly WireFrame[]): SeenFrame[] {
    const conversation = new Conversation();
    conversation.name(7, 'quotes/nyse');
    let run = 0;
    let last: SeenFrame | undefined;
    return frames.map((given) => {
      count += 1;
      const next = { ...given, key: `${count}`, said: conversation.hear(given) };
      if (!continues(last, next)) run += 1;
      last = { ...next, run };
      return last;
    });
  }
  const many = (number: number, changes: Partial<WireFrame> = {}, preview = '{"type":"entries"}') =>
    Array.from({ length: number }, (_, index) => frame(preview, { n: index + 1, at: index * 10, ...changes }));
  const seen = (number: number, changes: Partial<WireFrame> = {}): SeenEvent[] => heard(...many(number, changes));

  it('folds four equal frames in a row, and not three', () => {
    expect(stepsOf(seen(3), ALL).map(({ kind }) => kind)).toEqual(['frame', 'frame', 'frame']);
    expect(stepsOf(seen(4), ALL)).toMatchObject([{ kind: 'run', label: 'entries × 4', events: { length: 4 } }]);
  });

  it('does not fold over directions and connections', () => {
    expect(stepsOf([...seen(3), ...seen(3, { direction: 'in' }), ...seen(3, { connection: 2 })], ALL)).toHaveLength(9);
  });

  it('folds pings and pongs into one run that goes both ways', () => {
    const beats = [1, 2].flatMap(() => [
      frame('{"type":"ping","now":1}'),
      frame('{"type":"pong"}', { direction: 'in' as const }),
    ]);
    expect(stepsOf(heard(...beats), ALL)).toMatchObject([
      { kind: 'run', label: 'ping, pong × 4', events: { length: 4 } },
    ]);
  });

  it('folds rows over the reports of what was processed, whose last one stands for itself', () => {
    const rows = '{"type":"rows","ch":7,"from":1,"to":2,"patch":{"A":{"bid":1}}}';
    const report = frame('{"type":"seen","bytes":1}', { direction: 'in' });
    const events = heard(...many(3, {}, rows), report, ...many(1, {}, rows), report);
    expect(stepsOf(events, ALL)).toMatchObject([
      { kind: 'run', label: 'rows × 4, seen × 1', content: 'quotes/nyse', events: { length: 5 } },
      { kind: 'frame', event: { said: { label: 'seen' } } },
    ]);
    // A heartbeat in between ends it no more than a report does.
    const beats = [
      frame('{"type":"ping","now":1}'),
      frame('{"type":"pong"}\n{"type":"seen","bytes":2}', { direction: 'in' }),
    ];
    expect(stepsOf(heard(...many(3, {}, rows), ...beats, ...many(1, {}, rows)), ALL)).toMatchObject([
      { kind: 'run', label: 'rows × 4, ping, pong × 2, seen × 1', events: { length: 6 } },
    ]);
    // Three of them with a report are no run.
    expect(stepsOf(events.slice(1), ALL).map(({ kind }) => kind)).toEqual([
      'frame',
      'frame',
      'frame',
      'frame',
      'frame',
    ]);
  });

  it('folds a frame of several messages with those of as many kinds', () => {
    const two = '{"type":"rows","ch":7}\n{"type":"rows","ch":8}';
    expect(stepsOf(heard(...many(2), ...many(2, {}, two), ...many(2, {}, '{"type":"rows"}')), ALL)).toMatchObject([
      { kind: 'frame' },
      { kind: 'frame' },
      { kind: 'run', label: 'rows × 4' },
    ]);
  });

  it('give a run the same key when its oldest frames are let go', () => {
    const events = heard(...many(9));
    expect(stepsOf(events.slice(3), ALL)[0]?.key).toBe(stepsOf(events, ALL)[0]?.key);
  });

  it('shows what the filter is about', () => {
    const events = [...seen(2), ...heard(frame('{"type":"publish"}', { direction: 'in' }))];
    expect(stepsOf(events, { ...ALL, text: ' PUBLISH ' })).toHaveLength(1);
    expect(stepsOf(events, { ...ALL, text: 'server → client' })).toHaveLength(2);
    expect(stepsOf(events, { ...ALL, text: 'none of it' })).toHaveLength(0);
  });

  it('shows one kind, and one stream', () => {
    const events = heard(
      frame('{"type":"subscribe","id":1,"stream":"chat/lobby"}', { direction: 'in' }),
      frame('{"type":"ok","id":1,"ch":9,"kind":"log","head":0}\n{"type":"synced","ch":9,"to":0}'),
      frame('{"type":"rows","ch":7,"from":1,"to":2}'),
      frame('', { opcode: 8, closeCode: 1000, reason: '' }),
    );
    const labels = (filter: Partial<Filter>) =>
      stepsOf(events, { ...ALL, ...filter }).map((step) => (step.kind === 'frame' ? step.event.said.label : step.kind));
    expect(labels({ kind: 'synced' })).toEqual(['ok, synced']);
    expect(labels({ kind: 'Close' })).toEqual(['Close 1000']);
    expect(labels({ stream: 'chat/lobby' })).toEqual(['subscribe', 'ok, synced']);
    expect(labels({ stream: 'quotes/nyse' })).toEqual(['rows']);
    expect(labels({ stream: 'quotes/nyse', kind: 'ok' })).toEqual([]);
    expect(labels({ kind: 'rows', text: 'chat' })).toEqual([]);
  });
});
