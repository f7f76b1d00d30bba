// The class stands in for the DOM's: this file is compiled with lib.dom.

import { describe, expectTypeOf, it } from 'vitest';
import { WebSocket as Ours, type WebSocketData } from '../../src/index.js';

describe('the class', () => {
  it('can be given where the DOM’s constructor is wanted', () => {
    const standard: typeof WebSocket = Ours;
    expectTypeOf(standard).toBeConstructibleWith('ws://x', ['a']);
  });

  it('makes what the DOM’s class makes', () => {
    expectTypeOf<Ours>().toExtend<WebSocket>();
  });

  it('types its events', () => {
    const socket = null as unknown as Ours;
    socket.addEventListener('message', (event) => expectTypeOf(event.data).toEqualTypeOf<WebSocketData>());
    socket.addEventListener('close', (event) => expectTypeOf(event.code).toEqualTypeOf<number>());
    socket.onmessage = (event) => expectTypeOf(event.data).toEqualTypeOf<WebSocketData>();
    socket.onclose = ({ reason }) => expectTypeOf(reason).toEqualTypeOf<string>();
    socket.addEventListener('anything', () => {}, { once: true });
    // @ts-expect-error an event has no code before it is a close event
    socket.addEventListener('open', (event) => event.code);
  });

  it('refuses what can never be sent', () => {
    const socket = null as unknown as Ours;
    // @ts-expect-error a number is no message
    socket.send(5);
    // @ts-expect-error shared memory is no message
    socket.send(new Uint8Array(new SharedArrayBuffer(1)));
    // @ts-expect-error not a kind of binary
    socket.binaryType = 'nodebuffer';
    // @ts-expect-error read-only
    socket.readyState = 1;
  });
});
