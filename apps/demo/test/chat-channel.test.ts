// The rules of the chat's rooms, asked by real clients: what is refused, what is put right, and what an edit may change.

import { memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { serve } from '@trunkline/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type App, demoApp } from '../server/app.js';
import { RoomHistory } from '../server/chat/room-history.js';
import { Guests } from '../server/guests.js';
import { MESSAGE_IMAGES_MAX } from '../shared/limits.js';

const guests = new Guests(new Uint8Array(32).fill(7));
const NAME = `${'a'.repeat(64)}.png`;
const GONE = `${'b'.repeat(64)}.png`;
const image = { name: NAME, width: 640, height: 480 };
let broker = memoryBroker();
let stops: (() => Promise<unknown>)[] = [];
let used: string[] = [];
let room: Awaited<ReturnType<typeof join>>;
let other: Awaited<ReturnType<typeof join>>;
let url = '';
let history: RoomHistory;

async function join(name: string) {
  const { token } = await guests.issue(name, undefined);
  const line = connect<App>(url, { token });
  stops.push(() => line.close());
  return line.channel.chat('lobby');
}

beforeEach(async () => {
  used = [];
  broker = memoryBroker();
  history = new RoomHistory(broker, (name) => `chat/${name}`);
  const app = demoApp(guests, undefined, {
    hasMessage: (name, offset) => history.has(name, offset),
    takeImage: async (name, where) => {
      used.push(`${where} ${name}`);
      return name !== GONE;
    },
  });
  const trunk = await serve(app, { port: 0, broker });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  url = `${trunk.url}/line`;
  room = await join('Ada');
  other = await join('Bob');
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
  stops = [];
});

/** What the log holds of it. */
async function stored(offset: number) {
  const page = await broker.readBack('chat/lobby' as never, (offset + 1) as never, { entries: 1, entriesOnly: true });
  return JSON.parse(page.entries[0]?.data ?? 'null');
}
const refusal = (promise: Promise<unknown>) => promise.catch(({ code, refusal: word }) => word ?? code);

describe('a message', () => {
  it('is tidied, also when it is edited, and refused when nothing is left of it', async () => {
    const { offset } = await room.publish({ text: '  helo\r\n\u0007 ' });
    expect(await stored(offset)).toEqual({ text: 'helo' });
    await room.edit(offset, { text: ' hello \u0000' });
    expect(await stored(offset)).toEqual({ text: 'hello' });
    expect(await refusal(room.publish({ text: ' \u0007' }))).toBe('empty');
    expect(await refusal(room.edit(offset, { text: ' ' }))).toBe('empty');
    expect(await stored(offset)).toEqual({ text: 'hello' });
  });

  it('is edited and deleted by who wrote it, and reacted to by everybody', async () => {
    const { offset } = await room.publish({ text: 'mine' });
    expect(await refusal(other.edit(offset, { text: 'yours' }))).toBe('forbidden');
    expect(await refusal(other.delete(offset))).toBe('forbidden');
    await other.react(offset, '👨‍👩‍👧‍👦');
    await room.delete(offset);
    expect(await stored(offset)).toBeNull();
  });

  it('answers one that is there, and goes on answering it when it is edited', async () => {
    const { offset } = await room.publish({ text: 'asked' });
    const answer = await other.publish({ text: 'answered', replyTo: offset });
    expect(await stored(answer.offset)).toEqual({ text: 'answered', replyTo: offset });
    expect(await refusal(other.publish({ text: 'x', replyTo: answer.offset + 5 }))).toBe('no_such_message');
    expect(await refusal(other.publish({ text: 'x', replyTo: 0 }))).toBe('invalid');
    await room.delete(offset);
    await other.edit(answer.offset, { text: 'answered all the same' });
    expect(await stored(answer.offset)).toEqual({ text: 'answered all the same', replyTo: offset });
    // The record of the deletion takes an offset, and is no message.
    expect(await refusal(other.publish({ text: 'x', replyTo: answer.offset + 1 }))).toBe('no_such_message');
  });

  it('may be images alone, which must be on the server, at most four', async () => {
    const { offset } = await room.publish({
      text: '',
      images: [
        { ...image, alt: ' a harbour ' },
        { ...image, alt: ' ' },
      ],
    });
    expect(await stored(offset)).toEqual({ text: '', images: [{ ...image, alt: 'a harbour' }, image] });
    expect(used).toEqual([`lobby ${NAME}`, `lobby ${NAME}`]);
    expect(await refusal(room.publish({ text: 'x', images: [{ ...image, name: GONE }] }))).toBe('no_such_image');
    await room.publish({ text: '', images: Array(MESSAGE_IMAGES_MAX).fill(image) });
    expect(await refusal(room.publish({ text: '', images: Array(MESSAGE_IMAGES_MAX + 1).fill(image) }))).toBe(
      'invalid',
    );
    for (const name of ['../secret', `${'a'.repeat(64)}.svg`, 'https://elsewhere.example/a.png']) {
      expect(await refusal(room.publish({ text: '', images: [{ ...image, name }] }))).toBe('invalid');
    }
    expect(await refusal(room.publish({ text: '', images: [{ ...image, width: 0 }] }))).toBe('invalid');
  });
});

describe('what rooms show', () => {
  it('are the images of kept messages, not of deleted ones', async () => {
    const one = await room.publish({ text: '', images: [image] });
    await room.publish({ text: 'says "images" without any' });
    const names = async () => [...(await history.imagesOf(['lobby', 'nowhere']))];
    expect(await names()).toEqual([NAME]);
    await room.delete(one.offset);
    expect(await names()).toEqual([]);
  });
});
