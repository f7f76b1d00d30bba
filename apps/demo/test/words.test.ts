import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, frameContent, frameLabel, since } from '../client/wire/describe.js';
import { pretty } from '../client/wire/pretty.js';
import { stepsOf } from '../client/wire/steps.js';
import type { SeenEvent } from '../client/wire/wire-source.js';
import { readSettings, StartError } from '../server/settings.js';
import { tidy } from '../server/tidy.js';
import { checkName } from '../shared/names.js';
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

describe('names', () => {
  it('are trimmed and kept', () => {
    expect(checkName('  Ada  ')).toEqual({ name: 'Ada' });
    expect(checkName('x'.repeat(40))).toEqual({ name: 'x'.repeat(40) });
    expect(checkName('👩‍🚀 Mia')).toEqual({ name: '👩‍🚀 Mia' });
  });

  it('are refused with a sentence', () => {
    for (const bad of ['', '   ', 'x'.repeat(41), 'a\nb', 'a\u0000', 'a\u202eb', undefined, 7]) {
      expect(checkName(bad)).toEqual({ problem: expect.stringMatching(/^A name .*\.$/) });
    }
  });
});

describe('tidying', () => {
  it('leaves one kind of line break and no control characters', () => {
    expect(tidy(' a\r\nb\rc \n\n\n\nd\u0007 ')).toBe('a\nb\nc\n\nd');
    expect(tidy('\u0007\u0000 \n')).toBe('');
  });

  it('does nothing the second time', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => tidy(tidy(text)) === tidy(text)));
  });
});

describe('settings', () => {
  it('have defaults', () => {
    expect(readSettings({})).toMatchObject({
      port: 7400,
      host: '127.0.0.1',
      dataFolder: expect.stringMatching(/data$/),
      drainMs: 0,
    });
    expect(readSettings({ PORT: '0', HOST: ' ::1 ' })).toMatchObject({ port: 0, host: '::1' });
  });

  it('refuse what is no port', () => {
    for (const PORT of ['x', '-1', '1.5', '65536', '0x10']) expect(() => readSettings({ PORT })).toThrow(StartError);
  });

  it('take a time to move in whole seconds, a day at most', () => {
    const drainMs = (TRUNKLINE_DRAIN: string) => readSettings({ TRUNKLINE_DRAIN }).drainMs;
    expect([drainMs(''), drainMs('0'), drainMs(' 20 '), drainMs('86400')]).toEqual([0, 0, 20_000, 86_400_000]);
    for (const text of ['x', '-1', '1.5', '86401', '1e3']) expect(() => drainMs(text)).toThrow(StartError);
  });
});

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
    expect(frameContent(frame('{"type":"entries","ch":1,"from":0,"to":1,"items":[{"da', { cut: true }))).toBe(
      '{"ch":1,"from":0,"to":1,"items":[{"da …',
    );
    expect(frameContent(frame('', { fin: false, payloadBytes: 9 }))).toBe('part of a message, not shown');
  });

  it('never throw, whatever a preview holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.json(), (text, json) => {
        for (const preview of [text, json, json.slice(0, json.length / 2)]) frameContent(frame(preview));
      }),
    );
  });

  it('have sizes and times with units', () => {
    expect([bytes(999), bytes(3100), bytes(1_250_000)]).toEqual(['999 B', '3.1 KB', '1.3 MB']);
    expect([since(0.42), since(120), since(2500), since(180_000)]).toEqual(['+0.4 ms', '+120 ms', '+2.5 s', '+3 min']);
  });
});

describe('pretty', () => {
  it('prints a line for each field', () => {
    expect(pretty('{"a":[1,{"b":"x,y"}],"c":{}}')).toBe(
      '{\n  "a": [\n    1,\n    {\n      "b": "x,y"\n    }\n  ],\n  "c": {}\n}',
    );
  });

  it('is JSON.stringify for JSON, and changes no token of what is cut', () => {
    fc.assert(
      fc.property(fc.object({ withBoxedValues: false }), fc.nat(), (value, cut) => {
        const json = JSON.stringify(value);
        if (Object.keys(value).length > 0) expect(pretty(json)).toBe(JSON.stringify(value, null, 2));
        expect(() => pretty(json.slice(0, cut % json.length))).not.toThrow();
      }),
    );
  });
});

describe('steps', () => {
  const seen = (count: number, changes: Partial<WireFrame> = {}): SeenEvent[] =>
    Array.from({ length: count }, (_, index) => ({
      ...frame('{"type":"entries"}', { n: index + 1, at: index * 10, ...changes }),
      key: `${index}${JSON.stringify(changes)}`,
    }));

  it('folds four equal frames in a row, and not three', () => {
    expect(stepsOf(seen(3), '').map(({ kind }) => kind)).toEqual(['frame', 'frame', 'frame']);
    expect(stepsOf(seen(4), '')).toMatchObject([{ kind: 'run', label: 'entries', events: { length: 4 } }]);
  });

  it('does not fold over directions and connections', () => {
    expect(stepsOf([...seen(3), ...seen(3, { direction: 'in' }), ...seen(3, { connection: 2 })], '')).toHaveLength(9);
  });

  it('folds pings and pongs into one run that goes both ways', () => {
    const beats = [1, 2].flatMap(() => [
      ...seen(1, { preview: '{"type":"ping","now":1}' }),
      ...seen(1, { preview: '{"type":"pong"}', direction: 'in' }),
    ]);
    expect(stepsOf(beats, '')).toMatchObject([{ kind: 'run', label: 'ping, pong', events: { length: 4 } }]);
  });

  it('shows what the filter is about', () => {
    const events = [...seen(2), ...seen(1, { direction: 'in', preview: '{"type":"publish"}' })];
    expect(stepsOf(events, ' PUBLISH ')).toHaveLength(1);
    expect(stepsOf(events, 'server → client')).toHaveLength(2);
    expect(stepsOf(events, 'none of it')).toHaveLength(0);
  });
});
