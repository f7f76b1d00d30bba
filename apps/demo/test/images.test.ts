// Images of the chat: what is taken, what is refused, what makes room for what, and how they are served.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Guests } from '../server/guests.js';
import { answerImage } from '../server/images/image-route.js';
import { ImageError, ImageStore, type ImageStoreOptions } from '../server/images/image-store.js';
import { RateLimit } from '../server/rate-limit.js';
import { imageEnding, type StoredImage } from '../shared/image.js';
import { IMAGE_BYTES_MAX } from '../shared/limits.js';

const HEADS = {
  png: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  jpg: [0xff, 0xd8, 0xff, 0xe0],
  gif: [...Buffer.from('GIF89a')],
  webp: [...Buffer.from('RIFF\0\0\0\0WEBP')],
} as const;

/** An image as far as the server looks, of that size; `seed` makes it another one. */
function image(bytes: number, seed = 0, ending: keyof typeof HEADS = 'png'): Buffer<ArrayBuffer> {
  const content = Buffer.alloc(bytes, seed);
  content.set(HEADS[ending]);
  return content;
}

let folder = '';
let nowMs = 0;
/** What the rooms show. */
let shown = new Set<string>();
let asked: (readonly string[])[] = [];
const open = (options: ImageStoreOptions = {}) =>
  ImageStore.open(
    folder,
    async (rooms) => {
      asked.push(rooms);
      return shown;
    },
    { nowMs: () => nowMs, ...options },
  );
const problem = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof ImageError ? error.status : error),
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-images-'));
  nowMs = 1_000_000_000;
  shown = new Set();
  asked = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('what an image is', () => {
  it.each(['png', 'jpg', 'gif', 'webp'] as const)('%s is known by its first bytes', (ending) => {
    expect(imageEnding(image(64, 0, ending))).toBe(ending);
  });

  it.each(['<svg xmlns="http://www.w3.org/2000/svg"/>', '<html>', 'GIF90a', 'RIFF\0\0\0\0WAVE', '', 'PNG'])(
    '%j is none',
    (text) => {
      expect(imageEnding(Buffer.from(text))).toBeUndefined();
    },
  );
});

describe('the store', () => {
  it('names an image by its content, and keeps the same one once', async () => {
    const store = await open();
    const one = await store.put(image(500), 'ada');
    expect(one).toEqual({ name: expect.stringMatching(/^[0-9a-f]{64}\.png$/), bytes: 500 });
    expect(await store.put(image(500), 'bob')).toEqual(one);
    expect((await store.put(image(500, 1), 'bob')).name).not.toBe(one.name);
    expect(store.bytes).toBe(1_000);
    expect(store.fileOf(one.name)).toBe(join(folder, one.name));
    expect(store.fileOf('../secret')).toBeUndefined();
  });

  it('takes 2 MB and not one byte more, and no other type', async () => {
    const store = await open();
    await store.put(image(IMAGE_BYTES_MAX), 'ada');
    expect(await problem(store.put(image(IMAGE_BYTES_MAX + 1), 'ada'))).toBe(413);
    expect(await problem(store.put(Buffer.from('<svg/>'), 'ada'))).toBe(415);
    expect(await problem(store.put(Buffer.alloc(0), 'ada'))).toBe(413);
    expect((await readdir(folder)).length).toBe(2);
  });

  it('makes room among what a guest posted and nobody shows, the oldest first', async () => {
    const store = await open({ bytesPerUserMax: 1_000 });
    const names: string[] = [];
    for (const seed of [1, 2, 3]) {
      names.push((await store.put(image(300, seed), 'ada')).name);
      nowMs += 1;
    }
    await store.put(image(300, 9), 'bob');
    const fits = await store.put(image(100, 4), 'ada');
    expect(store.fileOf(names[0] ?? '')).toBeDefined();
    await store.put(image(300, 5), 'ada');
    expect(names.map((name) => store.fileOf(name) !== undefined)).toEqual([false, true, true]);
    expect(store.fileOf(fits.name)).toBeDefined();
    expect(store.bytes).toBe(300 * 4 + 100);
  });

  it('keeps what a message shows, and what one is about to show, and refuses then', async () => {
    const store = await open({ bytesPerUserMax: 600 });
    const { name } = await store.put(image(300, 1), 'ada');
    const other = await store.put(image(300, 2), 'ada');
    expect(await store.use(name, 'lobby')).toBe(true);
    expect(await store.use(`${'0'.repeat(64)}.png`, 'lobby')).toBe(false);
    shown.add(other.name);
    expect(await problem(store.put(image(300, 3), 'ada'))).toBe(507);
    // The message never came.
    nowMs += 120_001;
    await store.put(image(300, 3), 'ada');
    expect(store.fileOf(name)).toBeUndefined();
    expect(store.fileOf(other.name)).toBeDefined();
    expect(asked.at(-1)).toEqual(['lobby']);
  });

  it('removes nothing where it would not be enough', async () => {
    const store = await open({ bytesPerUserMax: 600 });
    const idle = await store.put(image(100, 1), 'ada');
    const kept = await store.put(image(500, 2), 'ada');
    shown.add(kept.name);
    expect(await problem(store.put(image(200, 3), 'ada'))).toBe(507);
    expect(store.fileOf(idle.name)).toBeDefined();
  });

  it('is bounded in all, in bytes and in images', async () => {
    const store = await open({ bytesMax: 1_000, imagesMax: 3 });
    const first = await store.put(image(500, 1), 'ada');
    nowMs += 1;
    await store.put(image(500, 2), 'bob');
    await store.put(image(500, 3), 'cleo');
    expect(store.fileOf(first.name)).toBeUndefined();
    for (const seed of [4, 5, 6, 7]) await store.put(image(20, seed), 'dora');
    expect((await readdir(folder)).filter((file) => file.endsWith('.png')).length).toBe(3);
  });

  it('forgets what nobody shows after a time', async () => {
    const store = await open();
    const gone = await store.put(image(100, 1), 'ada');
    const kept = await store.put(image(100, 2), 'ada');
    await store.use(kept.name, 'lobby');
    shown.add(kept.name);
    nowMs += 5_000_000;
    const young = await store.put(image(100, 3), 'ada');
    await store.sweep(1_000_000);
    expect([gone, kept, young].map(({ name }) => store.fileOf(name) !== undefined)).toEqual([false, true, true]);
  });

  it('knows after a restart what it has, whose it is and where it was shown, and clears up what was cut off', async () => {
    const { name } = await (async () => {
      const store = await open();
      const stored = await store.put(image(100, 1), 'ada');
      await store.use(stored.name, 'lobby');
      return stored;
    })();
    await writeFile(join(folder, 'half.png.part'), 'x');
    const store = await open({ bytesPerUserMax: 150 });
    expect(store.fileOf(name)).toBeDefined();
    expect((await readdir(folder)).sort()).toEqual([name, 'index.json'].sort());
    nowMs += 200_000;
    shown.add(name);
    expect(await problem(store.put(image(100, 2), 'ada'))).toBe(507);
    expect(asked.at(-1)).toEqual(['lobby']);
    await store.put(image(100, 2), 'bob');
  });
});

describe('over HTTP', () => {
  const guests = new Guests(new Uint8Array(32).fill(7));
  let server: Server;
  let url = '';
  let token = '';
  beforeEach(async () => {
    const store = await open();
    const limit = new RateLimit({ burst: 3, ratePerSecond: 0.5, nowMs: () => nowMs });
    server = createServer((request, response) => void answerImage(store, guests, limit, request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/images`;
    token = (await guests.issue('Ada', undefined)).token;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const post = (body: BodyInit, headers: Record<string, string> = { Authorization: `Bearer ${token}` }) =>
    fetch(url, { method: 'POST', body, headers });

  it('stores for a guest, and serves what cannot be anything else', async () => {
    const content = image(2_000, 3, 'gif');
    const answer = await post(content, { Authorization: `Bearer ${token}`, 'Content-Type': 'text/html' });
    expect(answer.status).toBe(201);
    const { name } = (await answer.json()) as StoredImage;
    const served = await fetch(`${url}/${name}`);
    expect(Buffer.from(await served.arrayBuffer()).equals(content)).toBe(true);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      'content-type': 'image/gif',
      'content-length': '2000',
      'x-content-type-options': 'nosniff',
      'content-disposition': `inline; filename="${name.slice(0, 12)}.gif"`,
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
    });
    const head = await fetch(`${url}/${name}`, { method: 'HEAD' });
    expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
  });

  it('refuses strangers, other sites, other types and what is too large, each with a sentence', async () => {
    const asked = async (answer: Promise<Response>) => {
      const { status, headers } = await answer;
      const { problem: words } = (await (await answer).json()) as { problem: string };
      expect(words).toMatch(/^[A-Z].*\.$/);
      return [status, headers.get('connection')];
    };
    expect(await asked(post(image(99), {}))).toEqual([401, 'close']);
    expect(await asked(post(image(99), { Authorization: 'Bearer no' }))).toEqual([401, 'close']);
    const foreign = { Authorization: `Bearer ${token}`, Origin: 'https://elsewhere.example' };
    expect(await asked(post(image(99), foreign))).toEqual([403, 'close']);
    expect(await asked(post('<svg/>'))).toEqual([415, 'close']);
    expect(await asked(post(image(IMAGE_BYTES_MAX + 1)))).toEqual([413, 'close']);
    expect((await post(image(IMAGE_BYTES_MAX))).status).toBe(201);
    expect(await asked(post(image(99)))).toEqual([429, 'close']);
    expect(await asked(fetch(url))).toEqual([405, 'close']);
    expect(await asked(fetch(`${url}/${'0'.repeat(64)}.png`))).toEqual([404, 'close']);
    expect(await asked(fetch(`${url}/index.json`))).toEqual([404, 'close']);
    expect(await asked(fetch(`${url}/${'0'.repeat(64)}.png`, { method: 'DELETE' }))).toEqual([405, 'close']);
  });
});
