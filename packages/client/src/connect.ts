// The browser's entry: what `connect` takes by default there.

import type { AnyApp, ConnectOptions, Line } from './line.js';

/**
 * A line to a Trunkline server, for browsers. Opens nothing: the first subscribe, publish or `open` does.
 * @param url of the server's `/line`. May be relative to the page; `http` and `https` mean `ws` and `wss`.
 * The app's type is required: without it the line has no channels. `connect<UntypedApp>(url)` is for tools.
 */
export function connect<App extends AnyApp = never>(url: string | URL, options?: ConnectOptions): Line<App> {
  throw new Error(`not yet: ${url} ${options}`);
}
