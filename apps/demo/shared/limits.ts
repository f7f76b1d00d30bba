// What both sides of the demo must agree on, in numbers.

/** Longest message of the chat, in characters (UTF-16 code units) after trimming. */
export const MESSAGE_CHARACTERS_MAX = 4000;

/** Longest name of a guest and of a room, in characters. */
export const NAME_CHARACTERS_MAX = 40;

/** Frames that the wire view keeps for a client, on the server and in the page. */
export const WIRE_FRAMES_MAX = 500;

/** Bytes of one image of the chat: 2 MB. */
export const IMAGE_BYTES_MAX = 2_000_000;

/** Images of one message. */
export const MESSAGE_IMAGES_MAX = 4;

/** Longest description of an image, in characters. */
export const ALT_CHARACTERS_MAX = 300;

/** Longest side of an image that a message may claim, in pixels. */
export const IMAGE_SIDE_MAX = 20_000;
