// The pages: the bundled files, and one document for every address that the page's own router knows.

import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import sirv from 'sirv';

/** Addresses that are pages. All others get the same document, whose router then says that nothing is there, and a 404. */
const PAGES = [/^\/$/, /^\/(chat|polling)\/[^/]+$/, /^\/(market|weather|sports)$/];

/** Without built pages it says so to each visitor: while developing, Vite has them. */
export function pages(folder: string): (request: IncomingMessage, response: ServerResponse) => void {
  const document = readDocument(join(folder, 'index.html'));
  const files = sirv(folder, {
    etag: true,
    gzip: false,
    setHeaders: (response, path) => {
      // Names under /assets/ hold a hash of the content; the rest is asked for again each time.
      response.setHeader(
        'Cache-Control',
        path.startsWith('/assets/') ? 'public,max-age=31536000,immutable' : 'no-cache',
      );
    },
  });

  return (request, response) => {
    for (const [name, value] of securityHeaders(request)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('Pages can only be read.\n');
      return;
    }
    if (document === undefined) {
      response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end(
        'The pages are not built: run npm run build. While developing, npm run dev serves them on port 5173.\n',
      );
      return;
    }
    const path = (request.url ?? '/').split(/[?#]/)[0] ?? '/';
    const way = /^\/(chat|polling)\/?$/.exec(path)?.[1];
    if (way !== undefined) {
      response.writeHead(302, { Location: `/${way}/lobby` }).end();
      return;
    }
    const isPage = PAGES.some((page) => page.test(path));
    if (isPage || path === '/index.html') return sendDocument(request, response, isPage ? 200 : 404, document);
    // A file that vanished since the start (somebody builds anew) breaks one answer off, and not the process: the library
    // leaves its stream without a listener.
    response.once('pipe', (file) => file.once('error', () => response.destroy()));
    files(request, response, () => sendDocument(request, response, 404, document));
  };
}

function readDocument(file: string): Buffer | undefined {
  return existsSync(file) ? readFileSync(file) : undefined;
}

function sendDocument(request: IncomingMessage, response: ServerResponse, status: number, document: Buffer): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': document.length,
    'Cache-Control': 'no-cache',
  });
  response.end(request.method === 'HEAD' ? undefined : document);
}

function securityHeaders(request: IncomingMessage): [string, string][] {
  // Not every browser lets 'self' stand for the WebSocket of the same origin, so it is named too.
  const host = /^[\w.:[\]-]+$/.test(request.headers.host ?? '') ? request.headers.host : undefined;
  const line = host === undefined ? '' : ` ws://${host} wss://${host}`;
  return [
    [
      'Content-Security-Policy',
      `default-src 'self'; connect-src 'self'${line}; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    ],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'no-referrer'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
  ];
}
