/**
 * Which pages may connect (RFC 6455 §10.2). A browser lets any page open a WebSocket to any server, and sends the cookies of
 * that server along: without a look at `Origin`, a foreign page acts as its visitor (cross-site WebSocket hijacking). So the
 * default is closed: only pages of the very host that the request names.
 */
import { MisuseError } from './errors.js';
import type { HandshakeInfo, Refusal } from './server-handshake.js';

/** The `origins` option, checked. */
export interface OriginRule {
  /** @returns the answer for a page that may not connect. */
  judge(handshake: HandshakeInfo): Refusal | undefined;
}

const FOREIGN: Refusal = {
  status: 403,
  message: "This page's origin may not connect; the server's option origins names those that may.",
};

const ANY: OriginRule = { judge: () => undefined };

/** @throws MisuseError for what no browser sends as an origin. */
export function originRule(origins: readonly string[] = []): OriginRule {
  for (const origin of origins) {
    if (!isOrigin(origin)) {
      const shown = JSON.stringify(origin);
      throw new MisuseError('invalid_argument', `origins: ${shown} is no origin, write it like "https://example.com"`);
    }
  }
  if (origins.includes('*')) return ANY;
  const allowed = new Set(origins);
  return {
    judge: (handshake) => {
      const { origin } = handshake;
      // Browsers always send one. A program that is none carries nobody's cookies but its own.
      if (origin === undefined || allowed.has(origin) || isOwn(origin, handshake)) return undefined;
      return FOREIGN;
    },
  };
}

/**
 * Whether a page comes from the host that it connects to. Its scheme is compared where ours is known: without TLS here, a
 * proxy before us may have it.
 */
function isOwn(origin: string, { headers, isSecure }: HandshakeInfo): boolean {
  const host = headers[':authority'] ?? headers.host;
  if (!host) return false;
  const scheme = origin.startsWith('https://') ? 'https:' : 'http:';
  if (!origin.startsWith(`${scheme}//`) || (isSecure && scheme === 'http:')) return false;
  const name = origin.slice(scheme.length + 2);
  if (name === host) return true;
  // Some write the port of the scheme into Host, or capitals. A browser writes neither into Origin.
  const url = `${scheme}//${host}`;
  if (!URL.canParse(url)) return false;
  const own = new URL(url);
  return origin === own.origin && own.href === `${own.origin}/`;
}

function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { origin, protocol, host } = new URL(text);
  // Those of extensions and of apps around a page are opaque to the URL standard, and browsers send them all the same.
  return origin === 'null' ? host !== '' && text === `${protocol}//${host}` : text === origin;
}
