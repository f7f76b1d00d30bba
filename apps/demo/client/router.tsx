// The kinds of page and the history between them: a router of this size is its own.

import { type AnchorHTMLAttributes, type ReactElement, useSyncExternalStore } from 'react';

export type Route =
  | { readonly page: 'landing' }
  | { readonly page: 'chat'; readonly room: string }
  | { readonly page: 'polling'; readonly room: string }
  | { readonly page: 'weather' }
  | { readonly page: 'sports' }
  | { readonly page: 'market' }
  | { readonly page: 'missing'; readonly path: string };

export function routeOf(path: string): Route {
  if (path === '/') return { page: 'landing' };
  if (path === '/weather') return { page: 'weather' };
  if (path === '/sports') return { page: 'sports' };
  if (path === '/market') return { page: 'market' };
  const [, page, encoded] = /^\/(chat|polling)\/([^/]+)$/.exec(path) ?? [];
  const room = encoded === undefined ? undefined : decode(encoded);
  if (room === undefined) return { page: 'missing', path };
  return { page: page === 'polling' ? 'polling' : 'chat', room };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
};

export function useLocation(): { readonly path: string; readonly query: string; readonly hash: string } {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  const query = useSyncExternalStore(subscribe, () => location.search);
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return { path, query, hash };
}

/** Goes to another page of the demo, without loading a document. */
export function go(href: string): void {
  history.pushState(null, '', href);
  for (const listener of listeners) listener();
  // As a document would: the top of the page, and the keyboard at its beginning.
  document.querySelector('main')?.focus({ preventScroll: true });
}

/** Puts another address in the place of this one. */
export function replace(href: string): void {
  history.replaceState(null, '', href);
  for (const listener of listeners) listener();
}

/** A link that stays within the document, unless the visitor asks for another tab or window. */
export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }): ReactElement {
  return (
    <a
      {...rest}
      href={href}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(href);
      }}
    />
  );
}
