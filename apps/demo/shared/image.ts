// Images of the chat: which there are, and how they are named.

/** Where images are posted to and read from. */
export const IMAGES_PATH = '/images';

/** Media types by the ending of a name. No SVG: it is a program as much as a picture. */
export const IMAGE_TYPES = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
} as const;

export type ImageEnding = keyof typeof IMAGE_TYPES;

/** The SHA-256 of the content, and what it is. */
export const IMAGE_NAME = /^[0-9a-f]{64}\.(png|jpg|gif|webp)$/;

/** An image of a message. */
export interface MessageImage {
  readonly name: string;
  /** In pixels, so that its place is kept before it is there. */
  readonly width: number;
  readonly height: number;
  /** What it shows, in words. Absent: nobody has said. */
  readonly alt?: string | undefined;
}

/** What a post of an image is answered with. */
export interface StoredImage {
  readonly name: string;
  readonly bytes: number;
}

/** Every answer that is not 200 or 201. */
export interface ImageProblem {
  /** A sentence for people. */
  readonly problem: string;
}

/** What the bytes are, whatever anybody calls them; `undefined`: none of ours. */
export function imageEnding(head: Uint8Array): ImageEnding | undefined {
  const begins = (bytes: readonly number[], at = 0) => bytes.every((byte, index) => head[at + index] === byte);
  if (begins([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  if (begins([0xff, 0xd8, 0xff])) return 'jpg';
  if (begins([0x47, 0x49, 0x46, 0x38]) && (head[4] === 0x37 || head[4] === 0x39) && head[5] === 0x61) return 'gif';
  if (begins([0x52, 0x49, 0x46, 0x46]) && begins([0x57, 0x45, 0x42, 0x50], 8)) return 'webp';
  return undefined;
}
