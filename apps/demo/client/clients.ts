// The clients that a page shows. Each has a line of its own, made once a document: the chat's outlives its page, so that the
// landing page can tell how it was closed.

import { connect, type Line } from '@trunkline/client';
import { WIRE_TAB_HEADER } from '../shared/wire.js';
import { type Pass, passes, type Role } from './guest/passes.js';
import { Polling } from './polling/polling-socket.js';
import { randomId } from './random-id.js';
import type { Route } from './router.js';
import { ofTab, readStored, store } from './storage.js';
import type { App } from './trunkline.js';

export interface DemoClient {
  readonly role: Role;
  /** For people: the name of a landing page's client, or "Chat". */
  readonly label: string;
  readonly line: Line<App>;
  /** Names the client at `/wire`. */
  readonly wireId: string;
}

/** The server closed because it did not take the token, or not any longer. */
const UNAUTHORIZED = 4501;
const WIRE_KEY = 'trunkline.wire';
const LABELS: Record<Role, string> = { chat: 'Chat', ada: 'Ada', bob: 'Bob', visitor: 'Visitor', market: 'Market' };

const made = new Map<Role, DemoClient>();
let chatId: string | undefined;

/** Ada and Bob, the market's trader, and the visitor of pages on which nobody says who they are. */
export function clientFor(role: Role): DemoClient {
  const known = made.get(role);
  if (known !== undefined) return known;
  const wireId = `${tabId()}-${role}`;
  const line: Line<App> = connect<App>(`/line?tab=${wireId}`, {
    token: () => passes.token(role, line.connection.snapshot().lastClose?.code === UNAUTHORIZED),
  });
  const client: DemoClient = { role, label: LABELS[role], line, wireId };
  made.set(role, client);
  return client;
}

/** The chat's client of this guest. Another guest gets another line: unanswered messages belong to who wrote them. */
export function chatClientFor(pass: Pass): DemoClient {
  const known = made.get('chat');
  if (known !== undefined && chatId === pass.id) return known;
  void known?.line.close();
  made.delete('chat');
  chatId = pass.id;
  return clientFor('chat');
}

/** The chat's guest again, over HTTP requests. */
export interface PollingClient extends DemoClient {
  readonly polling: Polling;
}

const POLL_MS = 1_000;
let polled: (PollingClient & { readonly id: string }) | undefined;

/** The client of this guest that polls. */
export function pollingClientFor(pass: Pass): PollingClient {
  if (polled?.id === pass.id) return polled;
  void polled?.line.close();
  const wireId = `${tabId()}-polling`;
  const user = { id: pass.id, name: pass.name };
  const intervalMs = polled?.polling.intervalMs ?? POLL_MS;
  const polling = new Polling({ user, intervalMs, headers: { [WIRE_TAB_HEADER]: wireId } });
  addEventListener('pagehide', () => polling.leave());
  const line: Line<App> = connect<App>('/line', {
    socket: polling.open,
    token: () => passes.token('chat', line.connection.snapshot().lastClose?.code === UNAUTHORIZED),
  });
  polled = { role: 'chat', label: 'Polling', line, wireId, polling, id: pass.id };
  return polled;
}

/** The chat's client, if this document has had one. */
export function knownChat(): DemoClient | undefined {
  return made.get('chat');
}

/** The clients of a page, first the one that its header is about. */
export function clientsOf(route: Route, pass: Pass | undefined): readonly DemoClient[] {
  if (route.page === 'chat') return pass === undefined ? [] : [chatClientFor(pass)];
  if (route.page === 'polling') return pass === undefined ? [] : [pollingClientFor(pass)];
  if (route.page === 'market') return [clientFor('market')];
  if (route.page === 'missing') return [];
  if (route.page === 'weather' || route.page === 'sports') return [clientFor('visitor')];
  const chat = knownChat();
  return [clientFor('ada'), clientFor('bob'), ...(chat === undefined ? [] : [chat])];
}

let tab: string | undefined;

function tabId(): string {
  tab ??= readStored(ofTab, WIRE_KEY) ?? randomId();
  store(ofTab, WIRE_KEY, tab);
  return tab;
}
