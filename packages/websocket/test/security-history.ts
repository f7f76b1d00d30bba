/**
 * Holes that WebSocket libraries had, by their public ids. Each is closed here by a test that begins with the id, or it
 * is listed with the reason why it cannot open here.
 */

/** Ids that a test must name. */
export const APPLYING: readonly string[] = [
  'CVE-2016-10518',
  'CVE-2016-10542',
  'WS-2017-0421',
  'CVE-2021-32640',
  'CVE-2024-37890',
  'ws@8.5.0',
  'CVE-2026-45736',
  'CVE-2026-48779',
  'CVE-2026-1526',
  'CVE-2026-1528',
  'CVE-2026-2229',
  'CVE-2026-12151',
  'CVE-2026-1527',
  'CVE-2026-54466',
  'CVE-2026-54490',
  'CVE-2020-7662',
  'CVE-2020-15133',
  'CVE-2020-7693',
  'CVE-2022-21676',
  'CVE-2022-41940',
  'CVE-2020-27813',
  'CVE-2023-43669',
  'PRISMA-2021-0118',
  'CVE-2018-1000518',
  'CVE-2020-13935',
  'CVE-2026-65623',
  'nats#7625',
  'nopoll#84',
  'uWS#1497',
  'userver#1308',
  'tyrus#954',
  'CVE-2025-30360',
  'GHSA-c4j6-fc7j-m34r',
  'aiohttp',
];

/** Ids of what this package does not have, and why. */
export const NOT_APPLYING: Readonly<Record<string, string>> = {
  'CVE-2020-36048': 'HTTP polling: this package has no fallback transport.',
  'GHSA-r635-g3xr-vw7x': 'HTTP polling: this package has no fallback transport.',
  'CVE-2023-31125': 'Session ids in the query: the query is only handed to the application.',
  'CVE-2026-59725': 'Polling requests with a binary body: a handshake with a body is refused.',
  'GHSA-gr94-w7qr-f4j3': 'WebTransport: this package does not speak it.',
  'CVE-2024-38355': 'Event names from the peer: the events of a socket have names of ours only.',
  'CVE-2020-28481': 'CORS: a WebSocket has no CORS headers; who may connect is closed by default (`origins`).',
  'CVE-2020-36049': 'An object protocol above messages: this package delivers strings and bytes.',
  'CVE-2022-2421': 'An object protocol above messages: this package delivers strings and bytes.',
  'CVE-2023-32695': 'An object protocol above messages: this package delivers strings and bytes.',
  'CVE-2026-33151': 'An object protocol above messages: this package delivers strings and bytes.',
  'CVE-2026-69185': 'An object protocol above messages: this package delivers strings and bytes.',
  'CVE-2021-33880': 'Basic authentication: this package compares no secrets.',
};
