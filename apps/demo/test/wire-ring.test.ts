import { describe, expect, it } from 'vitest';
import { type SeenFrame, WireRing } from '../server/wire/ring.js';
import { tabIds, WireTabs } from '../server/wire/tabs.js';

const text = (payload: string, direction: 'in' | 'out' = 'in'): SeenFrame => ({
  direction,
  opcode: 1,
  fin: true,
  payloadBytes: Buffer.byteLength(payload),
  preview: Buffer.from(payload),
});

const TAB = '0123456789abcdef0123456789abcdef';

describe('a ring', () => {
  it('counts events and gives those after a number', () => {
    const ring = new WireRing();
    const connection = ring.open('GET /line HTTP/1.1\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 1);
    ring.frame(connection, text('one'), 2);
    ring.end(connection, 1000, 'bye', true, 3);
    expect(ring.after(0).events.map(({ n, kind }) => [n, kind])).toEqual([
      [1, 'open'],
      [2, 'frame'],
      [3, 'end'],
    ]);
    expect(ring.after(2)).toMatchObject({ missed: 0, events: [{ kind: 'end', code: 1000, wasClean: true }] });
  });

  it('keeps 500 events and the newest handshake, and says what is missed', () => {
    const ring = new WireRing();
    const connection = ring.open('GET / HTTP/1.1', 'HTTP/1.1 101 x', 0);
    for (let index = 0; index < 700; index += 1) ring.frame(connection, text(`${index}`), index);
    const { events, missed } = ring.after(0);
    expect(events).toHaveLength(500);
    expect(events[0]?.kind).toBe('open');
    expect(events.at(-1)).toMatchObject({ n: 701, preview: '699' });
    expect(missed).toBe(201);
    expect(ring.totals.framesIn).toBe(700);
  });

  it('keeps at most 256 KB, whatever travels', () => {
    const ring = new WireRing();
    const connection = ring.open('GET / HTTP/1.1', 'HTTP/1.1 101 x', 0);
    for (let index = 0; index < 400; index += 1) ring.frame(connection, text('x'.repeat(2048)), index);
    expect(JSON.stringify(ring.after(0).events).length).toBeLessThan(320_000);
  });

  it('sums whole frames of both directions', () => {
    const ring = new WireRing();
    const connection = ring.open('', '', 0);
    ring.frame(connection, text('12345'), 0);
    ring.frame(connection, text('x'.repeat(126), 'out'), 0);
    ring.frame(connection, { direction: 'out', opcode: 9, fin: true, payloadBytes: 0, preview: Buffer.alloc(0) }, 0);
    expect(ring.totals).toMatchObject({
      framesIn: 1,
      framesOut: 2,
      bytesIn: 2 + 4 + 5,
      bytesOut: 4 + 126 + 2,
      dataBytes: 131,
    });
  });

  it('shows no fragment, whose token a mask could miss', () => {
    const ring = new WireRing();
    const connection = ring.open('', '', 0);
    ring.frame(connection, { ...text('{"type":"hello","tok'), fin: false }, 0);
    ring.frame(connection, { ...text('en":"secret"}'), opcode: 0 }, 0);
    expect(ring.after(1).events).toMatchObject([{ preview: '' }, { preview: '' }]);
  });

  describe('names streams by the numbers that were said', () => {
    const SUBSCRIBE = '{"type":"hello","version":1}\n{"type":"subscribe","stream":"quotes/nyse","id":1}';
    const OK = '{"type":"welcome"}\n{"type":"ok","id":1,"ch":7,"kind":"table"}';

    it('also when the frames that said them are no longer kept', () => {
      const ring = new WireRing();
      const connection = ring.open('', '', 0);
      ring.frame(connection, text(SUBSCRIBE), 0);
      ring.frame(connection, text(OK, 'out'), 0);
      for (let index = 0; index < 600; index += 1) ring.frame(connection, text('{"type":"rows","ch":7}', 'out'), 0);
      expect(ring.after(0)).toMatchObject({ streams: [{ connection, ch: 7, stream: 'quotes/nyse' }] });
      expect(ring.after(0).events.some((event) => event.kind === 'frame' && event.preview.includes('subscribe'))).toBe(
        false,
      );
    });

    it('once, to who follows', () => {
      const ring = new WireRing();
      const connection = ring.open('', '', 0);
      ring.frame(connection, text(SUBSCRIBE), 0);
      expect(ring.after(0).streams).toEqual([]);
      const before = ring.head;
      ring.frame(connection, text(OK, 'out'), 0);
      expect(ring.after(before).streams).toHaveLength(1);
      expect(ring.after(ring.head).streams).toEqual([]);
    });

    it('only by the answer to that very question, on its connection', () => {
      const ring = new WireRing();
      const [one, two] = [ring.open('', '', 0), ring.open('', '', 0)];
      ring.frame(one, text(SUBSCRIBE), 0);
      ring.frame(two, text(OK, 'out'), 0);
      ring.frame(one, text('{"type":"ok","id":2,"ch":8}', 'out'), 0);
      ring.frame(one, text('{"type":"error","id":1,"ch":9}', 'out'), 0);
      ring.frame(one, text('null\n{"type":"ok","id":1,"ch":7}', 'out'), 0);
      expect(ring.after(0).streams).toEqual([]);
    });

    it('256 of them, the newest', () => {
      const ring = new WireRing();
      const connection = ring.open('', '', 0);
      for (let id = 1; id <= 257; id += 1) {
        ring.frame(connection, text(`{"type":"subscribe","id":${id},"stream":"chat/${id}"}`), 0);
        ring.frame(connection, text(`{"type":"ok","id":${id},"ch":${id}}`, 'out'), 0);
        if (id === 256) expect(ring.after(0).streams).toHaveLength(256);
      }
      const { streams } = ring.after(0);
      expect([streams.length, streams[0]?.stream]).toEqual([256, 'chat/2']);
    });
  });

  it('leaves out a character that the preview cuts in two', () => {
    const ring = new WireRing();
    const connection = ring.open('', '', 0);
    ring.frame(connection, { ...text('aé'), preview: Buffer.from('aé').subarray(0, 2) }, 0);
    expect(ring.after(1).events).toMatchObject([{ preview: 'a', cut: true }]);
  });
});

describe('tabs', () => {
  it('knows its ids, and nothing else', () => {
    expect(tabIds(`/line?tab=${TAB}`)).toEqual([TAB]);
    expect(tabIds(`/line?tab=${TAB}-ada`)).toEqual([`${TAB}-ada`]);
    for (const bad of ['', 'short', `${TAB}0`, `${TAB}-`, `${TAB}-Ada`, TAB.toUpperCase()])
      expect(tabIds(`/line?tab=${bad}`)).toEqual([]);
    expect(tabIds('//')).toEqual([]);
  });

  it('taps only connections that name a tab', () => {
    const tabs = new WireTabs();
    expect(tabs.tap('/line')).toBeUndefined();
    const tap = tabs.tap(`/line?tab=${TAB}`);
    tap?.handshake('GET / HTTP/1.1', 'HTTP/1.1 101 x');
    tap?.frame(text('hi'));
    tap?.end(1000, '', true);
    expect(
      tabs
        .ring(TAB)
        .after(0)
        .events.map(({ kind }) => kind),
    ).toEqual(['open', 'frame', 'end']);
  });

  it('forgets the one that was quiet longest, and one that is looked at last', () => {
    const tabs = new WireTabs(2);
    const id = (index: number) => `${index}`.padStart(32, '0');
    const first = tabs.ring(id(1));
    first.listen(() => {});
    const second = tabs.ring(id(2));
    tabs.ring(id(3));
    expect(tabs.ring(id(1))).toBe(first);
    expect(tabs.ring(id(2))).not.toBe(second);
  });
});
