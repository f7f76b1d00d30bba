// What both sides of the demo must agree on, in numbers.

/** Longest message of the chat, in characters (UTF-16 code units) after trimming. */
export const MESSAGE_CHARACTERS_MAX = 4000;

/** Longest name of a guest and of a room, in characters. */
export const NAME_CHARACTERS_MAX = 40;

/** Frames that the wire view keeps for a client, on the server and in the page. */
export const WIRE_FRAMES_MAX = 500;
