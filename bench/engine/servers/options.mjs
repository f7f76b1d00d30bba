// What a bench may ask of a server of this folder.

/**
 * @typedef {object} ServerOptions
 * @property {string} [engine] trunkline: another build of the engine, a folder with `dist/index.js`.
 * @property {boolean} [addon] ws: with its native addon.
 * @property {boolean} [compression] permessage-deflate without context takeover, zlib's level 1; and messages of 1 KB.
 */

/** @returns {ServerOptions} */
export function serverOptions() {
  return JSON.parse(process.argv[2] ?? '{}');
}
