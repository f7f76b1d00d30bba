import { describe, expect, it } from 'vitest';
import { MisuseError } from '../src/index.js';
import { breach, Recorded } from './support/recorded.js';
import { CLOSE, CONTINUATION, closeBody, hex, masked, PING, PONG, plain, TEXT } from './support/wire.js';

const NEVER = Number.POSITIVE_INFINITY;

describe('closing', () => {
  it('FR-12 accepts an empty body, a code, and a code with a reason', () => {
    const closes: [Buffer, number, string][] = [
      [hex(''), 1005, ''],
      [closeBody(1000), 1000, ''],
      [closeBody(4321, 'schön'), 4321, 'schön'],
      [closeBody(1000, 'r'.repeat(123)), 1000, 'r'.repeat(123)],
    ];
    for (const [body, code, reason] of closes) {
      const server = new Recorded().receive(masked(CLOSE, body));
      expect(server.events).toEqual([{ type: 'closed', code, reason, wasClean: true }]);
    }
  });

  it('FR-12 fails a body of one byte, and a reason that is not UTF-8', () => {
    expect(new Recorded().receive(masked(CLOSE, hex('03'))).events).toEqual(breach('frame_invalid', 1002));
    const reason = new Recorded().receive(masked(CLOSE, closeBody(1000, hex('ceba e1bd'))));
    expect(reason.events).toEqual(breach('frame_invalid', 1002));
    expect(reason.sentClose).toBe(1002);
  });

  it('FR-13 answers a close with its code, after what was sent before', () => {
    const server = new Recorded();
    server.connection.sendText('last');
    server.receive(masked(CLOSE, closeBody(3999, 'bye')));
    expect(server.frames.map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE]);
    expect(server.sentClose).toBe(3999);
    expect(new Recorded().receive(masked(CLOSE)).sentClose).toBe(0);
  });

  it('FR-13 FR-18 answers with the very body: the reason comes back to who gave it, whoever it was', () => {
    const bodies = [hex(''), closeBody(1000), closeBody(4321, 'schön'), closeBody(3000, 'r'.repeat(123))];
    for (const body of bodies) {
      for (const role of ['server', 'client'] as const) {
        const asked = new Recorded({ role }).receive((role === 'server' ? masked : plain)(CLOSE, body));
        expect(asked.frames).toMatchObject([{ opcode: CLOSE, payload: body, isMasked: role === 'client' }]);
      }
    }
    // What was closed by us keeps our code and reason on the wire, and theirs for the application.
    const both = new Recorded();
    both.close(4000, 'ours');
    both.receive(masked(CLOSE, closeBody(4001, 'theirs')));
    expect(both.frames).toMatchObject([{ payload: closeBody(4000, 'ours') }]);
    expect(both.closed).toMatchObject({ code: 4001, reason: 'theirs', wasClean: true });
  });

  it('FR-12 closes without a code, and then without a reason', () => {
    const server = new Recorded();
    server.connection.close(null, '', server.nowMs);
    expect(server.sentClose).toBe(0);
    expect(() => server.connection.close(null, 'why', server.nowMs)).toThrow(MisuseError);
  });

  it('FR-13 sends no data after its own close frame', () => {
    const server = new Recorded();
    server.close(1001, 'going');
    expect(server.connection.sendText('late')).toBe(false);
    expect(server.connection.sendBinary(hex('00'))).toBe(false);
    expect(server.connection.ping()).toBe(false);
    server.close(1000);
    expect(server.frames).toMatchObject([{ opcode: CLOSE, payload: closeBody(1001, 'going') }]);
  });

  it('FR-13 a peer that closes in the middle of a message is answered, and the message is not delivered', () => {
    const server = new Recorded().receive(
      masked(TEXT, 'half', false),
      masked(CLOSE, closeBody(1000)),
      masked(CONTINUATION, 'rest'),
    );
    expect(server.events).toEqual([{ type: 'closed', code: 1000, reason: '', wasClean: true }]);
  });

  it('FR-14 a server ends the transport as soon as both close frames were exchanged', () => {
    const first = new Recorded().receive(masked(CLOSE, closeBody(1000)));
    expect(first.connection.wantsEnd).toBe(true);
    const second = new Recorded();
    second.close(4000, 'enough');
    expect(second.connection.wantsEnd).toBe(false);
    second.receive(masked(CLOSE, closeBody(4000)));
    expect(second.connection.wantsEnd).toBe(true);
    expect(second.events).toEqual([{ type: 'closed', code: 4000, reason: '', wasClean: true }]);
    expect(second.frames).toHaveLength(1);
  });

  it('FR-14 a client leaves it to the server, for closeWaitMs', () => {
    const client = new Recorded({ role: 'client' }).receive(plain(CLOSE, closeBody(1000)));
    expect(client.sentClose).toBe(1000);
    expect([client.connection.wantsEnd, client.connection.deadlineMs]).toEqual([false, client.nowMs + 10_000]);
    client.connection.advance(client.nowMs + 9_999);
    expect(client.connection.wantsDestroy).toBe(false);
    client.connection.advance(client.nowMs + 10_000);
    expect(client.connection.wantsDestroy).toBe(true);
    expect(client.events).toEqual([{ type: 'closed', code: 1000, reason: '', wasClean: true }]);
  });

  it('FR-14 a server whose peer keeps TCP open is rid of it after closeWaitMs', () => {
    const server = new Recorded({ limits: { closeWaitMs: 50 } }).receive(masked(CLOSE));
    expect(server.connection.deadlineMs).toBe(server.nowMs + 50);
    server.connection.advance(server.nowMs + 50);
    expect([server.connection.wantsDestroy, server.connection.deadlineMs]).toEqual([true, NEVER]);
    expect(server.events).toHaveLength(1);
  });

  it('cuts off a peer that never answers a close, with 1006', () => {
    for (const role of ['server', 'client'] as const) {
      const waiting = new Recorded({ role });
      expect(waiting.connection.deadlineMs).toBe(NEVER);
      waiting.close();
      waiting.connection.advance(waiting.nowMs + 9_999);
      expect(waiting.events).toEqual([]);
      waiting.connection.advance(waiting.nowMs + 10_000);
      expect(waiting.events).toEqual(breach('close_timeout', 0));
      expect(waiting.connection.wantsDestroy).toBe(true);
    }
  });

  it('FR-15 answers pings after its own close, but none after the close of the peer', () => {
    const server = new Recorded();
    server.close();
    server.receive(masked(PING, 'a'), masked(CLOSE, closeBody(1000)), masked(PING, 'b'));
    expect(server.frames.map(({ opcode, payload }) => [opcode, payload.toString('latin1')])).toEqual([
      [CLOSE, '\x03\xe8'],
      [PONG, 'a'],
    ]);
  });

  it('FR-17 drops messages that arrive while closing, and all after', () => {
    const server = new Recorded();
    server.close();
    server.receive(masked(TEXT, 'dropped'), masked(CLOSE), masked(TEXT, 'late'));
    expect(server.texts()).toEqual([]);
    expect(server.connection.readyState).toBe('closed');
  });

  it('FR-17 stops sending when the transport is gone', () => {
    const server = new Recorded();
    server.connection.sendText('never leaves');
    server.connection.transportLost();
    expect(server.connection.sendText('x')).toBe(false);
    expect([server.outgoing.length, server.connection.outgoingBytes]).toEqual([0, 0]);
  });

  it('FR-18 reports the first close frame received, 1005 without a code, 1006 without a frame', () => {
    const both = new Recorded();
    both.close(4001, 'ours');
    both.receive(masked(CLOSE, closeBody(4002, 'theirs')), masked(CLOSE, closeBody(4003)));
    expect(both.events).toEqual([{ type: 'closed', code: 4002, reason: 'theirs', wasClean: true }]);
    expect(new Recorded().receive(masked(CLOSE)).closed).toMatchObject({ code: 1005, wasClean: true });
    const lost = new Recorded();
    lost.connection.transportLost();
    expect(lost.closed).toMatchObject({ code: 1006, reason: '', wasClean: false });
  });

  it('FR-19 processes nothing after it failed the connection, not even the answer to its close', () => {
    const server = new Recorded().receive(
      Buffer.concat([masked(3), masked(TEXT, 'x'), masked(PING), masked(CLOSE, closeBody(1000))]),
      masked(CLOSE, closeBody(1000)),
    );
    expect(server.events).toEqual(breach('frame_invalid', 1002));
    expect(server.frames.map(({ opcode }) => opcode)).toEqual([CLOSE]);
    expect(server.connection.wantsEnd).toBe(true);
  });

  it('FR-20 reports 1006 when the transport is lost, with the cause', () => {
    const cause = new Error('reset');
    const server = new Recorded();
    server.connection.transportLost(cause);
    expect(server.events).toEqual(breach('connection_lost', 0));
    expect(server.errors[0]?.cause).toBe(cause);
    expect(server.connection.wantsDestroy).toBe(true);
    server.connection.transportLost();
    expect(server.events).toHaveLength(2);
  });

  it.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_536, 1000.5, Number.NaN])(
    'FR-21 refuses to send close code %d',
    (code) => {
      const server = new Recorded();
      expect(() => server.close(code)).toThrow(MisuseError);
      expect([server.connection.readyState, server.outgoing.length]).toEqual(['open', 0]);
    },
  );

  it('refuses a reason of more than 123 bytes, not characters', () => {
    const server = new Recorded();
    expect(() => server.close(1000, 'é'.repeat(62))).toThrow(MisuseError);
    server.close(1000, `${'é'.repeat(61)}x`);
    expect(server.frames[0]?.payload).toHaveLength(125);
  });

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'FR-22 accepts close code %d and answers it',
    (code) => {
      const server = new Recorded().receive(masked(CLOSE, closeBody(code)));
      expect(server.events).toEqual([{ type: 'closed', code, reason: '', wasClean: true }]);
      expect(server.sentClose).toBe(code);
    },
  );

  it.each([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    'FR-22 fails close code %d with 1002',
    (code) => {
      const server = new Recorded().receive(masked(CLOSE, closeBody(code)));
      expect(server.events).toEqual(breach('frame_invalid', 1002));
      expect(server.sentClose).toBe(1002);
    },
  );

  it('aborts without a close frame', () => {
    const server = new Recorded();
    server.connection.sendText('x');
    server.connection.abort();
    expect(server.events).toEqual([{ type: 'closed', code: 1006, reason: '', wasClean: false }]);
    expect([server.connection.wantsDestroy, server.outgoing.length]).toEqual([true, 0]);
  });

  it('can be closed, aborted and sent to from within every event', () => {
    for (const react of ['close', 'abort'] as const) {
      for (const input of [masked(TEXT, 'x'), masked(PING), masked(PONG), masked(3), masked(CLOSE)]) {
        const server = new Recorded({
          onEvent: (_event, { connection }) => {
            connection.sendText('from within');
            if (react === 'close') connection.close(1000, '', 0);
            else connection.abort();
          },
        });
        server.receive(Buffer.concat([input, masked(TEXT, 'y')]));
        if (server.connection.readyState === 'closing') server.connection.transportLost();
        expect(server.events.filter(({ type }) => type === 'closed')).toHaveLength(1);
        expect(server.texts().length).toBeLessThan(2);
      }
    }
  });
});
