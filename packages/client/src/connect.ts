// The browser's entry: what `connect` takes by default there.

import type { AnyApp, ConnectOptions, Line } from './line.js';
import { openLine } from './open-line.js';
import type { Network, OpenSocket } from './ports.js';

/**
 * A line to a Trunkline server, for browsers. Opens nothing: the first subscribe, publish or `open` does.
 * The app's type is required: without it the line has no channels. `connect<UntypedApp>(url)` is for tools.
 * @param url of the server's `/line`. May be relative to the page; `http` and `https` mean `ws` and `wss`. It is read at the first
 * connect, so a line can be made where there is no page; what can never work shows as `refused`.
 */
export function connect<App extends AnyApp = never>(url: string | URL, options?: ConnectOptions): Line<App> {
  return openLine<App>({ url: () => socketUrl(url), socket: browserSocket, network: browserNetwork }, options);
}

function socketUrl(url: string | URL): string {
  const absolute = new URL(url, globalThis.location?.href);
  absolute.protocol = absolute.protocol.replace(/^http/, 'ws');
  return absolute.href;
}

const browserSocket: OpenSocket = (url, protocol, events) => {
  const socket = new WebSocket(url, protocol);
  socket.onopen = () => events.onOpen();
  socket.onmessage = ({ data }) => events.onMessage(typeof data === 'string' ? data : null);
  socket.onclose = ({ code, reason, wasClean }) => events.onClose({ code, reason, wasClean });
  return {
    // Between the peer's Close frame and the event that tells of it, a browser would only complain on the console.
    send: (text) => {
      if (socket.readyState === 1) socket.send(text);
    },
    close: (code, reason) => socket.close(code, reason),
  };
};

const browserNetwork: Network = {
  isOnline: () => globalThis.navigator?.onLine !== false,
  listen(onSignal) {
    const page = globalThis.document;
    // A page that comes back from the cache of the back button becomes visible too.
    const events: readonly [EventTarget, string][] = [
      [globalThis, 'online'],
      [globalThis, 'offline'],
      [page, 'visibilitychange'],
    ];
    const tell = ({ type }: Event) => {
      if (type === 'online' || type === 'offline') onSignal(type);
      else onSignal(page.visibilityState === 'visible' ? 'wake' : 'hidden');
    };
    if (!page) return () => {};
    for (const [target, type] of events) target.addEventListener(type, tell);
    if (page.visibilityState === 'hidden') onSignal('hidden');
    return () => {
      for (const [target, type] of events) target.removeEventListener(type, tell);
    };
  },
};
