// What the browser entry takes by default: WebSocket, the page's address, news of the network and of visibility.

import { connect, type UntypedApp } from '@trunkline/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from './support/fake-clock.js';

class FakeWebSocket {
  static made: FakeWebSocket[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: unknown }) => void;
  onclose?: (event: { code: number; reason: string; wasClean: boolean }) => void;
  readonly sent: string[] = [];
  readyState = 1;
  closed: unknown[] | undefined;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeWebSocket.made.push(this);
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error('a browser logs an error here');
    this.sent.push(text);
  }

  close(...how: unknown[]): void {
    this.closed = how;
  }
}

const makePage = () => Object.assign(new EventTarget(), { visibilityState: 'visible' });
let page = makePage();
let browser = new EventTarget();
const navigator = { onLine: true };

beforeEach(() => {
  page = makePage();
  browser = new EventTarget();
  FakeWebSocket.made = [];
  vi.stubGlobal('WebSocket', FakeWebSocket);
  vi.stubGlobal('document', page);
  vi.stubGlobal('navigator', navigator);
  vi.stubGlobal('location', { href: 'https://app.example/rooms/1?x=1' });
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
  vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser));
});
afterEach(() => vi.unstubAllGlobals());

const limits = { maxMessageBytes: 1e6, maxEntryBytes: 1e5, maxObjectsPerMessage: 1e3, maxPageEntries: 1e3 };
const welcome = { type: 'welcome', session: 's', user: null, pingMs: 25_000, now: 0, features: [], limits };

function open(url: string | URL, clock = new FakeClock()) {
  const line = connect<UntypedApp>(url, { clock, lingerMs: 0, random: () => 0.5 });
  const release = line.open();
  const socket = FakeWebSocket.made.at(-1);
  if (socket === undefined) throw new Error('no socket was made');
  return { line, release, socket, clock };
}

describe('the address', () => {
  it.each([
    ['/line', 'wss://app.example/line'],
    ['line', 'wss://app.example/rooms/line'],
    ['http://other.example/line', 'ws://other.example/line'],
    ['https://other.example/line', 'wss://other.example/line'],
    ['ws://other.example/line', 'ws://other.example/line'],
    [new URL('https://other.example/x'), 'wss://other.example/x'],
  ])('%s is dialled as %s', (url, dialled) => {
    const { socket } = open(url);
    expect(socket.url).toBe(dialled);
    expect(socket.protocol).toBe('trunkline.v1.json');
  });

  it('may be relative where there is no page, as long as nothing connects', () => {
    vi.stubGlobal('location', undefined);
    const line = connect<UntypedApp>('/line');
    expect(line.channel.chat?.('lobby').snapshot().state).toBe('connecting');
    line.open();
    expect(line.connection.snapshot().state).toBe('refused');
    expect(line.connection.snapshot().reason).toContain('Invalid URL');
  });
});

describe('the socket', () => {
  it('greets, reads text, and closes with 1000', () => {
    const { line, release, socket, clock } = open('/line');
    socket.onopen?.();
    expect(JSON.parse(socket.sent[0] ?? '')).toMatchObject({ type: 'hello', version: 1 });
    socket.onmessage?.({ data: JSON.stringify(welcome) });
    expect(line.connection.snapshot().state).toBe('live');
    release();
    clock.advance(0);
    expect(socket.closed).toEqual([1000, '']);
    socket.onclose?.({ code: 1000, reason: '', wasClean: true });
    expect(line.connection.snapshot().lastClose).toEqual({ code: 1000, reason: '', wasClean: true });
  });

  it('that is closing, which its event has not told yet, is sent nothing; it is sent again on the next one', async () => {
    const { line, socket, clock } = open('/line');
    socket.onopen?.();
    socket.onmessage?.({ data: JSON.stringify(welcome) });
    socket.readyState = 2;
    line.channel
      .chat?.('lobby')
      .publish('meanwhile')
      .catch(() => {});
    await Promise.resolve();
    expect(socket.sent.join()).not.toContain('meanwhile');
    socket.onclose?.({ code: 1001, reason: '', wasClean: true });
    clock.advance(2_000);
    const next = FakeWebSocket.made.at(-1);
    next?.onopen?.();
    next?.onmessage?.({ data: JSON.stringify(welcome) });
    await Promise.resolve();
    expect(next?.sent.join()).toContain('"seq":1,"data":"meanwhile"');
    line.close();
  });

  it('that brings bytes is replaced', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { line, socket } = open('/line');
    socket.onopen?.();
    socket.onmessage?.({ data: new ArrayBuffer(1) });
    expect(socket.closed).toEqual([4500, '']);
    expect(line.connection.snapshot().state).toBe('waiting');
    expect(console.warn).toHaveBeenCalledOnce();
    vi.restoreAllMocks();
  });
});

describe('news', () => {
  const live = () => {
    const opened = open('/line');
    opened.socket.onopen?.();
    opened.socket.onmessage?.({ data: JSON.stringify(welcome) });
    return opened;
  };
  // The first ping measures the round trip, right after `welcome`.
  const probes = (socket: FakeWebSocket) => socket.sent.filter((text) => text.includes('"ping"')).length - 1;

  it.each(['online', 'offline'])('%s makes it probe', (type) => {
    const { socket } = live();
    browser.dispatchEvent(new Event(type));
    expect(probes(socket)).toBe(1);
  });

  it('being shown again makes it probe, being hidden does not', () => {
    const { socket } = live();
    page.visibilityState = 'hidden';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(probes(socket)).toBe(0);
    page.visibilityState = 'visible';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(probes(socket)).toBe(1);
  });

  it.each(['before', 'after'])('a page hidden %s the line is opened asks for less of its tables', (when) => {
    const hide = () => {
      page.visibilityState = 'hidden';
      page.dispatchEvent(new Event('visibilitychange'));
    };
    if (when === 'before') hide();
    const { line, socket, clock } = live();
    if (when === 'after') hide();
    line.channel.quotes?.('nyse').asTable().open();
    clock.advance(0);
    expect(socket.sent.join()).toContain('"rate":1');
    line.close();
  });

  it('that there is no network shows in the word', () => {
    const { line, socket, clock } = live();
    navigator.onLine = false;
    socket.onclose?.({ code: 1006, reason: '', wasClean: false });
    expect(line.connection.snapshot().state).toBe('offline');
    navigator.onLine = true;
    browser.dispatchEvent(new Event('online'));
    expect(FakeWebSocket.made).toHaveLength(2);
    clock.advance(0);
  });

  it('is not heard any more once the line is idle', () => {
    const { release, socket, clock } = live();
    release();
    clock.advance(0);
    browser.dispatchEvent(new Event('online'));
    clock.advance(10_000);
    expect(FakeWebSocket.made).toEqual([socket]);
  });
});
