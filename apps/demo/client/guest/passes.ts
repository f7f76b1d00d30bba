// Who this tab is: one guest in the chat, Ada and Bob on the landing page, a trader in the market, and a visitor where one only looks. The passes
// are in the tab's storage, so a reload keeps them and another tab is another guest; the trader's is in the browser's.

import type { ExpiringToken } from '@trunkline/client';
import type { GuestPass, GuestRequest } from '../../shared/guest.js';
import { ofBrowser, ofTab, readStored, store } from '../storage.js';

export type Role = 'chat' | 'ada' | 'bob' | 'visitor' | 'market';
export type Pass = GuestPass;

const KEY = 'trunkline.guest.';
const OWN_NAMES: Partial<Record<Role, string>> = { ada: 'Ada', bob: 'Bob', visitor: 'Visitor', market: 'Trader' };
/** An account is this browser's, so that two tabs show the same one. */
const storageOf = (role: Role) => (role === 'market' ? ofBrowser : ofTab);
// Asked for a token with less than this left, a pass is renewed first: clients ask again well before a token expires.
const FRESH_MS = 30 * 60_000;

class Passes {
  readonly #passes = new Map<Role, Pass | undefined>();
  readonly #listeners = new Set<() => void>();
  /** Requests on their way: who asks for the same at the same time gets the same, as a component does that React mounts twice. */
  readonly #running = new Map<string, Promise<Pass>>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get(role: Role): Pass | undefined {
    if (!this.#passes.has(role)) this.#passes.set(role, parsePass(readStored(storageOf(role), KEY + role)));
    return this.#passes.get(role);
  }

  /**
   * Becomes a guest of this name. `keepId`: the one that the tab is already.
   * @throws Error whose message is a sentence for people.
   */
  become(role: Role, name: string, { keepId = false } = {}): Promise<Pass> {
    const key = `${role} ${keepId} ${name}`;
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const request = requestPass(name, keepId ? this.get(role)?.token : undefined)
      .then((pass) => {
        this.#set(role, pass);
        return pass;
      })
      .finally(() => this.#running.delete(key));
    this.#running.set(key, request);
    return request;
  }

  forget(role: Role): void {
    this.#set(role, undefined);
  }

  /**
   * What the line asks for at each connect and before the token expires.
   * @param isRefused whether the server refused the last one: it knows better than this computer's clock, which may be wrong, or
   * late to notice that the computer slept.
   */
  async token(role: Role, isRefused: boolean): Promise<ExpiringToken> {
    const pass = this.get(role);
    const left = (pass?.expiresAt ?? 0) - Date.now();
    if (pass !== undefined && left > FRESH_MS) return isRefused ? this.#renewSame(role, pass) : pass;
    try {
      return await this.#renew(role);
    } catch (error) {
      if (pass !== undefined && left > 0) return pass;
      throw error;
    }
  }

  #renew(role: Role): Promise<Pass> {
    const name = this.get(role)?.name ?? OWN_NAMES[role];
    if (name === undefined) return Promise.reject(new Error('Nobody has said who they are.'));
    return this.become(role, name, { keepId: true });
  }

  /** The next pass of the same guest; where the server would make it another one, the refused pass is all there is, and the page asks. */
  async #renewSame(role: Role, pass: Pass): Promise<Pass> {
    const next = await requestPass(pass.name, pass.token);
    if (next.id !== pass.id) return pass;
    this.#set(role, next);
    return next;
  }

  #set(role: Role, pass: Pass | undefined): void {
    this.#passes.set(role, pass);
    store(storageOf(role), KEY + role, pass === undefined ? null : JSON.stringify(pass));
    for (const listener of this.#listeners) listener();
  }
}

export const passes = new Passes();

async function requestPass(name: string, oldToken: string | undefined): Promise<Pass> {
  const response = await fetch('/guest', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(oldToken === undefined ? {} : { Authorization: `Bearer ${oldToken}` }),
    },
    body: JSON.stringify({ name } satisfies GuestRequest),
  }).catch(() => {
    throw new Error('The server cannot be reached. Try again in a moment.');
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && isPass(body)) return body;
  if (typeof body === 'object' && body !== null && 'problem' in body) throw new Error(String(body.problem));
  throw new Error(`The server answered ${response.status}. Try again in a moment.`);
}

function parsePass(text: string | null): Pass | undefined {
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isPass(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPass(value: unknown): value is Pass {
  if (typeof value !== 'object' || value === null) return false;
  const { token, expiresAt, id, name } = value as Record<string, unknown>;
  return (
    typeof token === 'string' && typeof expiresAt === 'number' && typeof id === 'string' && typeof name === 'string'
  );
}
