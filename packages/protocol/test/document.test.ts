// docs/PROTOCOL.md against the code: its tables are the code's, and every sample on it is a message.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CLOSE,
  type ClientMessage,
  DEFAULT_LIMITS,
  decodeClient,
  decodeServer,
  ERROR_CODES,
  type ServerMessage,
} from '../src/index.js';

const page = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');

/** Rows of the table that follows a numbered rule, without its head. */
function tableAfter(rule: string): string[][] {
  const lines = page.slice(page.indexOf(`**${rule}**`)).split('\n');
  const begin = lines.findIndex((line) => line.startsWith('|'));
  const rows = lines.slice(begin, begin + lines.slice(begin).findIndex((line) => !line.startsWith('|')));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function linesOfBlocks(language: string): string[] {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    (match) => match[1] ?? '',
  );
  return blocks.flatMap((block) => block.split('\n')).filter((line) => line !== '');
}

describe('docs/PROTOCOL.md', () => {
  it('REQ-4: lists the error codes with retry and meaning', () => {
    const rows = Object.entries(ERROR_CODES).map(([code, { retry, meaning }]) => [
      `\`${code}\``,
      retry ? 'yes' : 'no',
      meaning,
    ]);
    expect(tableAfter('REQ-4')).toEqual(rows);
  });

  it('CON-7: lists the close codes, and 1009, which the engine sends by itself', () => {
    const codes = tableAfter('CON-7').map(([code]) => Number(code));
    expect(codes).toEqual([...Object.values(CLOSE), 1009].sort((a, b) => a - b));
  });

  const samples = linesOfBlocks('json');

  it('has samples', () => {
    expect(samples.length).toBeGreaterThan(20);
  });

  it.each(samples)('is right with %s', (line) => {
    const sides = [decodeClient(line, 1), decodeServer(line)];
    expect(sides.flat().filter((decoded) => decoded.type !== 'problem')).not.toEqual([]);
  });

  it('shows every type of message', () => {
    const shown = new Set(samples.map((line) => (JSON.parse(line) as { type: string }).type));
    // One that is added and not named here does not compile.
    const types: Record<ClientMessage['type'] | ServerMessage['type'], true> = {
      hello: true,
      subscribe: true,
      tune: true,
      unsubscribe: true,
      publish: true,
      amend: true,
      signal: true,
      mark: true,
      follow: true,
      unfollow: true,
      change: true,
      call: true,
      cancel: true,
      read: true,
      search: true,
      refresh: true,
      seen: true,
      ping: true,
      pong: true,
      welcome: true,
      ok: true,
      error: true,
      progress: true,
      entries: true,
      rows: true,
      synced: true,
      gap: true,
      ended: true,
      drain: true,
      goodbye: true,
    };
    for (const type of Object.keys(types)) expect(shown).toContain(type);
  });

  it('lists the limits with their defaults', () => {
    const listed = [...page.matchAll(/^\| `((?:max|publish|signal)\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(listed)).toEqual(DEFAULT_LIMITS);
  });

  it('numbers each rule once, without a hole', () => {
    const rules = [...page.matchAll(/^- \*\*([A-Z]{3}-\d+)\*\*/gm)].map(([, rule]) => rule);
    const numbered = rules.map((rule, index) => {
      const area = rule?.slice(0, 3);
      return `${area}-${rules.slice(0, index + 1).filter((other) => other?.startsWith(`${area}-`)).length}`;
    });
    expect(rules).toEqual(numbered);
  });

  it('has a session of which every complete line is a message', () => {
    const session = linesOfBlocks('text').filter(
      (line) => /^[→←]/.test(line) && !line.includes(', …') && !line.includes(' …'),
    );
    expect(session.length).toBeGreaterThan(4);
    for (const line of session) {
      const [, arrow, json] = /^([→←]) (\{.*\})/.exec(line) ?? [];
      const [decoded] = arrow === '→' ? decodeClient(json ?? '', 1) : decodeServer(json ?? '');
      expect(decoded?.type, line).not.toBe('problem');
    }
  });
});
