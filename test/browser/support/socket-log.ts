// What a page says and hears on its WebSockets, as the browser's own tools see it.

import type { Page } from 'playwright-core';

export interface SocketLog {
  /** How many were opened. */
  readonly dials: number;
  readonly sent: readonly string[];
  readonly received: readonly string[];
}

/** Call it before the page is opened. */
export function logSockets(page: Page): SocketLog {
  const sent: string[] = [];
  const received: string[] = [];
  const log = { dials: 0, sent, received };
  page.on('websocket', (socket) => {
    log.dials += 1;
    socket.on('framesent', ({ payload }) => sent.push(String(payload)));
    socket.on('framereceived', ({ payload }) => received.push(String(payload)));
  });
  return log;
}
