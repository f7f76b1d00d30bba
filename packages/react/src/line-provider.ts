// The line of a tree of components: given, or made for a `url`. It opens nothing: the hooks below do, and they close it too.

import { type AnyApp, type ConnectOptions, connect, type Line } from '@trunkline/client';
import {
  type Context,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useInsertionEffect,
  useRef,
  useState,
} from 'react';

/**
 * Either a line of one's own, or what to connect to. `token` and `onProblem` may change, and the newest are used when they are
 * next needed; the user may not change (give the provider another `key`). Other options are read once.
 */
export type TrunklineProviderProps<App> = { readonly children?: ReactNode } & (
  | { readonly line: Line<App>; readonly url?: never }
  | ({ readonly url: string; readonly line?: never } & ConnectOptions)
);

export type LineContext<App> = Context<Line<App> | undefined>;

interface LineProviderProps<App> {
  readonly context: LineContext<App>;
  readonly given: TrunklineProviderProps<App>;
}

export function LineProvider<App extends AnyApp>({ context, given }: LineProviderProps<App>): ReactElement {
  const { line, url, children } = given;
  const made = useMadeLine<App>(line ? undefined : url, given as ConnectOptions);
  return createElement(context.Provider, { value: line ?? made }, children);
}

/** One line for each `url`. */
function useMadeLine<App extends AnyApp>(url: string | undefined, given: ConnectOptions): Line<App> | undefined {
  const latest = useRef(given);
  // Before the effects of any component below, which may be what asks for the token.
  useInsertionEffect(() => {
    latest.current = given;
  });
  const [made, setMade] = useState(() => make());
  if (made.url === url) return made.line;
  const next = make();
  setMade(next);
  return next.line;

  function make(): { readonly url: string | undefined; readonly line: Line<App> | undefined } {
    if (url === undefined) return { url, line: undefined };
    const { token, onProblem, ...rest } = given;
    const options: ConnectOptions = {
      ...rest,
      token: token === undefined ? undefined : () => tokenOf(latest.current.token ?? token),
      onProblem: onProblem && ((problem) => (latest.current.onProblem ?? onProblem)(problem)),
    };
    return { url, line: connect<App>(url, options) };
  }
}

const tokenOf = (source: NonNullable<ConnectOptions['token']>) => (typeof source === 'function' ? source() : source);

export function useLineIn<App>(context: LineContext<App>): Line<App> {
  const line = useContext(context);
  if (line === undefined) throw new Error('there is no TrunklineProvider above this component');
  return line;
}
