// Signed requests as Standard Webhooks describes them (https://www.standardwebhooks.com): an HMAC over id, time and body, by a secret that
// both sides know. Ours are a few lines, as the convention's own package brings a dependency whose licence does not fit here.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { BackendRequest } from './requests.js';

/** How far apart the clocks of both sides may be, and how long a request may be on its way, in milliseconds. */
const TOLERANCE_MS = 5 * 60_000;
/** Bytes of a key, as the convention says. */
const [KEY_LEAST, KEY_MOST] = [24, 64];
/** Of the header: as many as anybody signs with, and no more to compute. */
const MAX_SIGNATURES = 20;
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/**
 * `webhook_headers`: one is missing or malformed · `webhook_timestamp`: too old, or from the future · `webhook_signature`: no signature fits ·
 * `webhook_body`: signed, but no JSON.
 */
export type WebhookErrorCode = 'webhook_headers' | 'webhook_timestamp' | 'webhook_signature' | 'webhook_body';

/** Why a request is not to be believed. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
  constructor(
    readonly code: WebhookErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** The key of a secret. @throws TypeError if it is none; the message does not show it. */
export function keyOf(secret: unknown): Buffer {
  const key = Buffer.from((typeof secret === 'string' && SECRET.exec(secret)?.[1]) || '', 'base64');
  if (key.length >= KEY_LEAST && key.length <= KEY_MOST) return key;
  throw new TypeError(
    `a secret must be "whsec_" and ${KEY_LEAST} to ${KEY_MOST} bytes in base64: echo "whsec_$(openssl rand -base64 32)"`,
  );
}

/** The headers of a request, signed with every key. @param seconds since 1970 */
export function signed(keys: readonly Buffer[], id: string, seconds: number, body: string): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': keys.map((key) => `v1,${hmac(key, id, String(seconds), body).toString('base64')}`).join(' '),
  };
}

/** How exactly `verifyWebhook` looks at the time. */
export interface VerifyOptions {
  /** How much older or newer than now the request may be, in milliseconds. Default 300_000: 5 minutes. */
  readonly toleranceMs?: number;
  /** The time, in milliseconds since 1970. Default: now. */
  readonly nowMs?: number;
}

/** A request's headers: of `node:http`, of `fetch`, or any other record with names in lower case. */
export type WebhookHeaders =
  | { readonly [name: string]: string | readonly string[] | undefined }
  | { get(name: string): string | null };

/**
 * Checks that a request came from Trunkline, and gives what it says. `id` is the same each time a request is sent again: keep it to do
 * everything once.
 * @param body The bytes as they came, or their text: never JSON that was parsed and written anew.
 * @param secret The secret, or several while you replace one: any of them will do.
 * @throws WebhookError if the request is not to be believed; TypeError if a secret is none.
 */
export function verifyWebhook(
  headers: WebhookHeaders,
  body: string | Uint8Array,
  secret: string | readonly string[],
  { toleranceMs = TOLERANCE_MS, nowMs = Date.now() }: VerifyOptions = {},
): { readonly id: string; readonly request: BackendRequest } {
  const keys = (typeof secret === 'string' ? [secret] : secret).map(keyOf);
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => {
    const value = typeof headers.get === 'function' ? headers.get(name) : (headers as Record<string, unknown>)[name];
    if (typeof value === 'string' && value !== '') return value;
    throw new WebhookError('webhook_headers', `there is no ${name}`);
  }) as [string, string, string];
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError('webhook_headers', 'webhook-timestamp is no number');
  // The signature first: what is not signed is told nothing about clocks.
  const expected = keys.map((key) => hmac(key, id, timestamp, body));
  let fits = false;
  for (const given of signatures.split(' ').slice(0, MAX_SIGNATURES)) {
    const bytes = Buffer.from(given.startsWith('v1,') ? given.slice(3) : '', 'base64');
    for (const one of expected) fits = (bytes.length === one.length && timingSafeEqual(bytes, one)) || fits;
  }
  if (!fits) throw new WebhookError('webhook_signature', 'no signature fits');
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > toleranceMs) {
    throw new WebhookError('webhook_timestamp', 'the request is too old, or from the future');
  }
  try {
    const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { id, request: JSON.parse(text) as BackendRequest };
  } catch {
    throw new WebhookError('webhook_body', 'the body is not JSON in UTF-8');
  }
}

function hmac(key: Buffer, id: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
