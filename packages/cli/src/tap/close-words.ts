// Close codes in words (RFC 6455 §7.4, the IANA registry, docs/PROTOCOL.md CON-7).

const WORDS: Readonly<Record<number, string>> = {
  1000: 'normal: the purpose is fulfilled',
  1001: 'going away: the server stops, or the page is left',
  1002: 'protocol error: the other side broke the rules of WebSocket',
  1003: 'unsupported data: this kind of message is not accepted',
  1005: 'no code: the close frame was empty',
  1006: 'abnormal: the connection ended without a close frame',
  1007: 'invalid data: text that is not UTF-8, or data that does not inflate',
  1008: 'policy: a rule of the receiver was broken',
  1009: 'too big: a message was larger than the receiver takes',
  1010: 'missing extension: the client wanted one that the server did not choose',
  1011: 'internal error: the server failed',
  1012: 'service restart: come back in a moment',
  1013: 'try again later: the server has too much to do',
  1014: 'bad gateway: a server behind the gateway answered nonsense',
  1015: 'TLS: the secure connection could not be made',
  4000: 'Trunkline: no hello in time',
  4001: 'Trunkline: silent for two ping intervals',
  4002: 'Trunkline: nothing that was sent was taken for 60 s',
  4003: 'Trunkline: the server cannot serve now',
  4500: 'Trunkline: the protocol was broken',
  4501: 'Trunkline: unauthorized, the token was refused',
  4503: 'Trunkline: this origin may not connect',
  4504: 'Trunkline: unknown version of the protocol',
};

/** What a close code means. */
export function closeWords(code: number): string {
  const words = WORDS[code];
  if (words !== undefined) return words;
  if (code >= 3000 && code <= 3999) return 'registered by a library or framework';
  if (code >= 4000 && code <= 4999) return "the application's own";
  return 'not a valid code';
}
