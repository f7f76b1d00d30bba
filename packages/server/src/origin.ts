// Who may connect, by `Origin` and `Host` (RFC 6455 §10.2; cross-site WebSocket hijacking and DNS rebinding). A browser
// always sends an Origin; a program without one is not a browser and carries no one's cookies.

import type { RequestInfo } from './define/trunkline.js';
import { PackedRequest } from './packed-request.js';

export interface OriginRules {
  /** Origins that may connect besides the server's own: `https://example.com`. `'*'` allows all. */
  readonly allowed: readonly string[];
  /** Whether the server listens on a loopback address only. */
  readonly isLoopbackServer: boolean;
  /** In production a loopback origin has to match the host like any other. */
  readonly isProduction: boolean;
}

/** The host as far as it may be believed, and whether a trusted proxy vouches for it. */
export interface HostClaim {
  readonly host: string | undefined;
  /** The request came through a trusted proxy, which is who the loopback address belongs to. */
  readonly isForwarded: boolean;
}

/** `null`: welcome. Else why not, with both values and the option to set. */
export function originProblem(
  origin: string | undefined,
  { host, isForwarded }: HostClaim,
  rules: OriginRules,
): string | null {
  if (origin === undefined) return null;
  if (rules.allowed.includes('*') || rules.allowed.includes(origin)) return null;
  const parsed = parseOrigin(origin);
  const own = `origin ${JSON.stringify(origin)} may not connect to host ${JSON.stringify(host ?? '')}`;
  const advice = `to allow it, set origins: [${JSON.stringify(origin)}]`;
  if (parsed === null || host === undefined) return `${own}: ${advice}`;
  const hostName = withoutPort(host);
  if (!rules.isProduction && isLoopbackName(parsed.hostname) && isLoopbackName(hostName)) return null;
  if (parsed.host !== normalHost(host, parsed.protocol)) return `${own}: ${advice}`;
  // The name matches, but a loopback server is reached by loopback names: any other one was made to point here (DNS rebinding).
  if (rules.isLoopbackServer && !isForwarded && !isLoopbackName(hostName)) {
    return `${own}, as this server listens on loopback only: ${advice}, or trustedProxies if a proxy stands before it`;
  }
  return null;
}

interface ParsedOrigin {
  readonly protocol: string;
  readonly hostname: string;
  /** With the port if it is not the scheme's own. */
  readonly host: string;
}

function parseOrigin(origin: string): ParsedOrigin | null {
  // "null" (sandboxed frames, files) and extensions' schemes are nobody's own origin.
  if (!origin.startsWith('http://') && !origin.startsWith('https://')) return null;
  try {
    const { protocol, hostname, host } = new URL(origin);
    return { protocol, hostname, host };
  } catch {
    return null;
  }
}

function normalHost(host: string, protocol: string): string | null {
  try {
    return new URL(`${protocol}//${host}`).host;
  } catch {
    return null;
  }
}

function withoutPort(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return host;
  }
}

/** localhost, its subdomains, 127.0.0.0/8 and ::1. */
export function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || name === '::1' || isLoopbackV4(name)
  );
}

function isLoopbackV4(name: string): boolean {
  const parts = name.split('.');
  return parts.length === 4 && parts[0] === '127' && parts.every((part) => /^\d{1,3}$/.test(part));
}

/** What a connection's request says, as far as it may be believed: a proxy's headers count only from the addresses named. */
export function describeRequest(
  request: { url: string; address: string; headers: Readonly<Record<string, string | undefined>> },
  trustedProxies: readonly string[],
): { readonly info: RequestInfo; readonly claim: HostClaim } {
  const { url, headers } = request;
  const peer = plainAddress(request.address);
  const isProxied = trustedProxies.includes(peer);
  const address = isProxied ? forwardedFor(headers['x-forwarded-for'], peer, trustedProxies) : peer;
  const host = isProxied ? (headers['x-forwarded-host']?.split(',')[0]?.trim() ?? headers.host) : headers.host;
  // A page that was made to point at this machine connects from a proxy's address too, but cannot set headers.
  const isForwarded =
    isProxied && (headers['x-forwarded-for'] !== undefined || headers['x-forwarded-host'] !== undefined);
  return { info: new PackedRequest(url, headers.origin, address, headers), claim: { host, isForwarded } };
}

/** The nearest address that no trusted proxy vouches to be another proxy. Further left, anyone can write anything. */
function forwardedFor(field: string | undefined, peer: string, trustedProxies: readonly string[]): string {
  const hops = (field ?? '').split(',').map((hop) => plainAddress(hop.trim()));
  for (const hop of hops.reverse()) {
    if (hop === '') return peer;
    if (!trustedProxies.includes(hop)) return hop;
  }
  return peer;
}

/** IPv4 addresses on a dual-stack socket come as `::ffff:127.0.0.1`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
