import { afterEach, describe, expect, it } from 'vitest';
import { connect, type FrameObserver, type ObservedFrame, prepareText } from '../src/index.js';
import { Log, RawPeer, RecordingHandler, requestText, serve, stopAll } from './support/node.js';
import { CLOSE, CONTINUATION, closeBody, masked, PING, TEXT } from './support/wire.js';

afterEach(stopAll);

class Recorder implements FrameObserver {
  readonly previewBytes = 8;
  readonly heads: string[] = [];
  readonly frames: ObservedFrame[] = [];
  readonly ends = new Log<[number, string, boolean]>();

  handshake(requestHead: string, responseHead: string): void {
    this.heads.push(requestHead, responseHead);
  }

  frame(frame: ObservedFrame): void {
    this.frames.push(frame);
  }

  end(code: number, reason: string, wasClean: boolean): void {
    this.ends.add([code, reason, wasClean]);
  }

  get story(): string[] {
    return this.frames.map(
      ({ direction, opcode, fin, payloadBytes, preview }) =>
        `${direction} ${opcode}${fin ? '' : '+'} ${payloadBytes} ${Buffer.from(preview).toString('latin1')}`,
    );
  }
}

describe('an observer', () => {
  it('sees the handshake, each frame of both directions, and the end', async () => {
    const observer = new Recorder();
    const handler = new RecordingHandler({
      message(socket) {
        socket.send('own reply');
        socket.sendFrame(prepareText('prepared'));
      },
    });
    const { port } = await serve({ handler, observe: ({ path }) => (path === '/seen' ? observer : undefined) });
    const peer = await RawPeer.open(port, '/seen');
    const bytes = Buffer.concat([
      masked(TEXT, 'frag', false),
      masked(PING, 'ping'),
      masked(CONTINUATION, 'mented longer text'),
      masked(CLOSE, closeBody(4000, 'reason')),
    ]);
    for (let at = 0; at < bytes.length; at += 5) peer.send(bytes.subarray(at, at + 5));
    await observer.ends.count(1);
    expect(observer.heads).toEqual([requestText({}, '/seen'), await peer.head()]);
    expect(observer.story).toEqual([
      'in 1+ 4 frag',
      'in 9 4 ping',
      'out 10 4 ping',
      'in 0 18 mented l',
      'out 1 9 own repl',
      'out 1 8 prepared',
      'in 8 8 \x0f\xa0reason',
      'out 8 8 \x0f\xa0reason',
    ]);
    expect(observer.frames.at(-2)).toMatchObject({ closeCode: 4000, reason: 'reason' });
    expect(observer.frames.at(-1)).toMatchObject({ closeCode: 4000, reason: 'reason' });
    expect(observer.ends.items).toEqual([[4000, 'reason', true]]);
  });

  it('is asked for per connection', async () => {
    const seen: string[] = [];
    const handler = new RecordingHandler();
    const { port } = await serve({
      handler,
      observe(handshake) {
        seen.push(handshake.url);
        return undefined;
      },
    });
    await RawPeer.open(port, '/a');
    await RawPeer.open(port, '/b');
    expect(seen).toEqual(['/a', '/b']);
  });

  it('sees why a connection failed, as the close frame that was sent', async () => {
    const observer = new Recorder();
    const { port } = await serve({ handler: new RecordingHandler(), observe: () => observer });
    const peer = await RawPeer.open(port);
    peer.send(masked(3, 'x'));
    await observer.ends.count(1);
    expect(observer.frames).toMatchObject([
      { direction: 'out', opcode: CLOSE, closeCode: 1002, reason: 'opcode 3 is reserved' },
    ]);
    expect(observer.ends.items).toEqual([[1006, '', false]]);
  });

  it('gets copies: changing a preview changes nothing', async () => {
    const observer = new Recorder();
    observer.frame = (frame) => frame.preview.fill(0);
    const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
    const { port } = await serve({ handler, observe: () => observer });
    const peer = await RawPeer.open(port);
    peer.send(masked(2, 'bytes'));
    expect((await peer.framesUntil(1))[0]?.payload.toString()).toBe('bytes');
  });

  it('sees a client connection unmasked', async () => {
    const observer = new Recorder();
    const { url } = await serve({ handler: { message: (socket, data) => void socket.send(data) } });
    const handler = new RecordingHandler({
      open: (socket) => void socket.send('there'),
      message: (socket) => socket.close(1000),
    });
    connect(url, { handler, observer });
    await observer.ends.count(1);
    expect(observer.heads[0]?.startsWith('GET / HTTP/1.1\r\n')).toBe(true);
    expect(observer.heads[1]?.startsWith('HTTP/1.1 101 ')).toBe(true);
    expect(observer.story).toEqual(['out 1 5 there', 'in 1 5 there', 'out 8 2 \x03\xe8', 'in 8 2 \x03\xe8']);
  });
});
