// The diagram as text, for an e-mail or an issue.

import type { SeenEvent } from './steps.js';
import { bytes, clockTime, duration } from './units.js';

export function asText(events: readonly SeenEvent[]): string {
  return events.map(eventText).join('\n');
}

function eventText(event: SeenEvent): string {
  const time = clockTime(event.at);
  if (event.kind === 'open')
    return `${time} handshake\n${indent(event.requestHead, '→ ')}\n${indent(event.responseHead, '← ')}`;
  if (event.kind === 'exchange') {
    const [sent, got] = [bytes(event.requestBytes), bytes(event.responseBytes)];
    return `${time} request ${sent}, answer ${got}, ${duration(event.tookMs)}\n${indent(event.requestHead, '→ ')}\n${indent(event.responseHead, '← ')}`;
  }
  if (event.kind === 'end')
    return `${time} closed ${event.code}, ${event.wasClean ? 'acknowledged' : 'not acknowledged'}`;
  const arrow = event.direction === 'in' ? '→' : '←';
  return `${time} ${arrow} ${event.said.label} ${bytes(event.payloadBytes)} ${event.said.content}`.trimEnd();
}

function indent(text: string, prefix: string): string {
  return text.replace(/^/gm, `    ${prefix}`);
}

/** @throws if the browser does not allow it, as on addresses that it does not trust. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard === undefined) throw new Error('This browser allows copying only on https and localhost.');
  await navigator.clipboard.writeText(text);
}
