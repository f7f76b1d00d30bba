// What rooms hold, read from the store for the rules of the chat: whether a message is there that another one answers, and which images are shown.

import type { ServeOptions } from '@trunkline/server';

type Broker = Pick<ServeOptions['broker'], 'readBack'>;

/** Entries that are read at a time. */
const PAGE = 500;

export class RoomHistory {
  /** @param streamOf the stream's name of a room. */
  constructor(
    private readonly broker: Broker,
    private readonly streamOf: (room: string) => string,
  ) {}

  /** Whether a message stands at that offset. A deleted one does. */
  async has(room: string, offset: number): Promise<boolean> {
    const page = await this.#readBack(room, offset + 1, 1);
    return page[0]?.offset === offset;
  }

  /** Names of the images that kept messages of these rooms show. */
  async imagesOf(rooms: readonly string[]): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    for (const room of rooms) {
      let before: number | undefined;
      do {
        const page = await this.#readBack(room, before, PAGE);
        for (const { data } of page) {
          if (!data.includes('"images"')) continue;
          const { images = [] } = JSON.parse(data) as { images?: readonly { readonly name: string }[] };
          for (const { name } of images) names.add(name);
        }
        before = page[0]?.offset;
      } while (before !== undefined);
    }
    return names;
  }

  async #readBack(room: string, before: number | undefined, entries: number) {
    type Stream = Parameters<Broker['readBack']>[0];
    type Offset = Parameters<Broker['readBack']>[1];
    const page = await this.broker.readBack(this.streamOf(room) as Stream, before as Offset, {
      entries,
      entriesOnly: true,
    });
    return page.entries;
  }
}
