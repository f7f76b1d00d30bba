// The rooms of the chat: what a message is, who may do what with it, and what is refused or put right before it is stored or changed.

import { refuse, type Trunkline } from '@trunkline/server';
import * as z from 'zod';
import { IMAGE_NAME } from '../../shared/image.js';
import { ALT_CHARACTERS_MAX, IMAGE_SIDE_MAX, MESSAGE_CHARACTERS_MAX, MESSAGE_IMAGES_MAX } from '../../shared/limits.js';
import { checkName } from '../../shared/names.js';
import type { Guest } from '../guests.js';
import { tidy } from '../tidy.js';

/** What the rules ask that no message says. */
export interface ChatBacking {
  /** Whether a message stands at that offset of the room. */
  readonly hasMessage: (room: string, offset: number) => Promise<boolean>;
  /** Whether the image is there; if so, a message of the room is about to show it. */
  readonly takeImage: (name: string, room: string) => Promise<boolean>;
}

/** Neither messages to answer nor images. */
export const NO_BACKING: ChatBacking = {
  hasMessage: async () => false,
  takeImage: async () => false,
};

const side = z.int().min(1).max(IMAGE_SIDE_MAX);
const Message = z.object({
  text: z.string().max(MESSAGE_CHARACTERS_MAX),
  /** Offset of the message that this one answers. */
  replyTo: z.int().min(1).optional(),
  images: z
    .array(
      z.object({
        name: z.string().regex(IMAGE_NAME),
        width: side,
        height: side,
        alt: z.string().max(ALT_CHARACTERS_MAX).optional(),
      }),
    )
    .max(MESSAGE_IMAGES_MAX)
    .optional(),
});
type Message = z.infer<typeof Message>;

export function chatOf(t: Trunkline<Guest, { id: string; name: string }>, { hasMessage, takeImage }: ChatBacking) {
  return t.log(['room'], {
    entry: Message,
    retain: { entries: 10_000, days: 30 },
    amend: ['edit', 'delete', 'react'],
    presence: true,
    markers: true,
    search: ['text'],
    signals: { typing: z.object({ on: z.boolean() }) },
    authorize: ({ params, action, amendment, entry }) =>
      'name' in checkName(params.room) && (action !== 'amend' || amendment === 'react' || entry.isOwn),
    onPublish: async ({ entry, params: { room }, edits }) => {
      // An answer stays one to the same message, also when that is gone. Of a deleted message nothing is known, and its edit is refused later.
      const replyTo = edits === undefined ? entry.replyTo : (edits.data as unknown as Message | null)?.replyTo;
      if (edits === undefined && replyTo !== undefined && !(await hasMessage(room, replyTo))) {
        return refuse('no_such_message', 'The message that this one answers is not there any more.');
      }
      const text = tidy(entry.text);
      const images = (entry.images ?? []).map(({ alt, ...image }) => ({ ...image, ...described(alt) }));
      if (text === '' && images.length === 0) return refuse('empty', 'The message has no visible characters.');
      for (const { name } of images) {
        if (!(await takeImage(name, room))) {
          return refuse('no_such_image', 'An image of this message is not on the server any more. Choose it again.');
        }
      }
      return {
        text,
        ...(replyTo === undefined ? {} : { replyTo }),
        ...(images.length === 0 ? {} : { images }),
      };
    },
  });
}

function described(alt: string | undefined): { readonly alt?: string } {
  const text = tidy(alt ?? '');
  return text === '' ? {} : { alt: text };
}
