// The images of the chat, as files named by their content, within bounds: of each guest, and of all. An image that no message shows makes
// room for a new one, the oldest first; one that a message shows stays. Which those are, the rooms are asked when it matters.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { IMAGE_NAME, imageEnding, type StoredImage } from '../../shared/image.js';
import { IMAGE_BYTES_MAX } from '../../shared/limits.js';

export interface ImageStoreOptions {
  /** Bytes of all images. Default 200_000_000. */
  readonly bytesMax?: number;
  /** Bytes of one guest's. Default 20_000_000. */
  readonly bytesPerUserMax?: number;
  /** Images in all, as each takes a line of the index. Default 5_000. */
  readonly imagesMax?: number;
  readonly nowMs?: () => number;
}

/** Names of the images that messages of these rooms show. */
export type ShownImages = (rooms: readonly string[]) => Promise<ReadonlySet<string>>;

/** Why an image is not stored. `status` is that of HTTP. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const Line = z.object({
  name: z.string().regex(IMAGE_NAME),
  owner: z.string(),
  bytes: z.int().min(1),
  /** When it was posted last, in milliseconds since 1970. */
  at: z.number(),
  /** Rooms in which a message showed it at some time. */
  rooms: z.array(z.string()),
  /** When a message that shows it was accepted last: it may be on its way into the log. */
  usedAt: z.number(),
});
type Line = z.infer<typeof Line>;

const INDEX = 'index.json';
/** So long a message may take from being accepted to being in the log. */
const ON_ITS_WAY_MS = 120_000;

export class ImageStore {
  readonly #images = new Map<string, Line>();
  readonly #bytesMax: number;
  readonly #bytesPerUserMax: number;
  readonly #imagesMax: number;
  readonly #nowMs: () => number;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly folder: string,
    private readonly shown: ShownImages,
    options: ImageStoreOptions,
  ) {
    this.#bytesMax = options.bytesMax ?? 200_000_000;
    this.#bytesPerUserMax = options.bytesPerUserMax ?? 20_000_000;
    this.#imagesMax = options.imagesMax ?? 5_000;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Opens the folder, and makes it if need be. Files that the index does not know are removed: writing them was cut off. */
  static async open(folder: string, shown: ShownImages, options: ImageStoreOptions = {}): Promise<ImageStore> {
    const store = new ImageStore(folder, shown, options);
    await mkdir(folder, { recursive: true });
    const text = await readFile(join(folder, INDEX), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '[]';
      throw error;
    });
    const files = new Set(await readdir(folder));
    for (const line of z.array(Line).parse(JSON.parse(text)))
      if (files.has(line.name)) store.#images.set(line.name, line);
    for (const file of files) {
      if (file !== INDEX && !store.#images.has(file)) await rm(join(folder, file), { force: true });
    }
    return store;
  }

  /** Bytes of all images. */
  get bytes(): number {
    return sum([...this.#images.values()]);
  }

  /**
   * Stores an image; the same content again is the same image.
   * @throws ImageError 415 (no image of ours), 413 (over 2 MB, or none), 507 (no room).
   */
  async put(content: Uint8Array, owner: string): Promise<StoredImage> {
    const ending = imageEnding(content);
    if (content.length === 0) throw new ImageError(413, 'The file is empty.');
    if (content.length > IMAGE_BYTES_MAX) throw new ImageError(413, 'The image is larger than 2 MB.');
    if (ending === undefined) throw new ImageError(415, 'Only PNG, JPEG, GIF and WebP images can be sent.');
    const name = `${createHash('sha256').update(content).digest('hex')}.${ending}`;
    return this.#inTurn(async () => {
      const now = this.#nowMs();
      const known = this.#images.get(name);
      if (known === undefined) {
        await this.#makeRoom(content.length, owner);
        const half = join(this.folder, `${name}.part`);
        await writeFile(half, content);
        await rename(half, join(this.folder, name));
      }
      const { rooms = [], usedAt = 0 } = known ?? {};
      // The newest again: whoever posts it is about to write a message with it.
      this.#images.delete(name);
      this.#images.set(name, { name, owner: known?.owner ?? owner, bytes: content.length, at: now, rooms, usedAt });
      await this.#save();
      return { name, bytes: content.length };
    });
  }

  /** A message of the room is about to show it. Whether it is there. */
  use(name: string, room: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const line = this.#images.get(name);
      if (line === undefined) return false;
      line.usedAt = this.#nowMs();
      // On disk before the message is: after a crash the room would not be asked.
      if (!line.rooms.includes(room)) {
        line.rooms.push(room);
        await this.#save();
      }
      return true;
    });
  }

  /** Its file; `undefined` if there is none of that name. */
  fileOf(name: string): string | undefined {
    return this.#images.has(name) ? join(this.folder, name) : undefined;
  }

  /** Removes what nobody shows and what was posted so long ago: of messages that were deleted, or never sent. */
  sweep(olderThanMs: number): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#nowMs() - olderThanMs;
      const old = [...this.#images.values()].filter(({ at }) => at < before);
      const idle = await this.#unshown(old);
      for (const line of idle) await this.#remove(line);
      if (idle.length > 0) await this.#save();
    });
  }

  /** Resolves when what was asked for is done. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #makeRoom(bytes: number, owner: string): Promise<void> {
    const own = [...this.#images.values()].filter((line) => line.owner === owner);
    await this.#free(own, sum(own) + bytes - this.#bytesPerUserMax, 0, () => {
      const mega = this.#bytesPerUserMax / 1_000_000;
      return new ImageError(507, `Your messages show ${mega} MB of images already. Delete some of them first.`);
    });
    const all = [...this.#images.values()];
    await this.#free(all, sum(all) + bytes - this.#bytesMax, all.length + 1 - this.#imagesMax, () => {
      return new ImageError(507, 'The server has no room for further images.');
    });
  }

  /** Removes the oldest that nobody shows, until so many bytes and images are free; nothing at all if they are not enough. */
  async #free(lines: readonly Line[], bytes: number, images: number, refusal: () => ImageError): Promise<void> {
    if (bytes <= 0 && images <= 0) return;
    const going: Line[] = [];
    for (const line of await this.#unshown(lines)) {
      if (sum(going) >= bytes && going.length >= images) break;
      going.push(line);
    }
    if (sum(going) < bytes || going.length < images) throw refusal();
    for (const line of going) await this.#remove(line);
  }

  async #unshown(lines: readonly Line[]): Promise<readonly Line[]> {
    const since = this.#nowMs() - ON_ITS_WAY_MS;
    const idle = lines.filter(({ usedAt }) => usedAt < since);
    const shown = await this.shown([...new Set(idle.flatMap(({ rooms }) => rooms))]);
    return idle.filter(({ name }) => !shown.has(name)).sort((one, other) => one.at - other.at);
  }

  async #remove({ name }: Line): Promise<void> {
    this.#images.delete(name);
    await rm(join(this.folder, name), { force: true });
  }

  async #save(): Promise<void> {
    const half = join(this.folder, `${INDEX}.part`);
    await writeFile(half, JSON.stringify([...this.#images.values()]));
    await rename(half, join(this.folder, INDEX));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function sum(lines: readonly Line[]): number {
  return lines.reduce((bytes, line) => bytes + line.bytes, 0);
}
