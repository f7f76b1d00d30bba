// docs/ERRORS.md has a heading for each error code, and none for a code that does not exist.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '@trunkline/protocol';
import { expect, it } from 'vitest';
import { ROOT } from './packages.js';

const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The words of an exported union type: `export type Name = 'a' | 'b';` */
function unionOf(path: string, name: string): string[] {
  const declaration = new RegExp(`export type ${name} =([^;]+);`).exec(text(path))?.[1] ?? '';
  return [...declaration.matchAll(/'([a-z_]+)'/g)].map((match) => match[1] ?? '');
}

/** The codes of classes: `readonly code = 'fenced';` */
function codesOf(path: string): string[] {
  return [...text(path).matchAll(/readonly code = '([a-z_]+)'/g)].map((match) => match[1] ?? '');
}

it('has a heading for each code, and no other', () => {
  const codes = new Set([
    ...Object.keys(ERROR_CODES),
    ...['MisuseCode', 'BreachCode', 'TransportCode'].flatMap((name) =>
      unionOf('packages/websocket/src/errors.ts', name),
    ),
    ...codesOf('packages/broker/src/errors.ts'),
    ...unionOf('packages/broker-sqlite/src/errors.ts', 'SqliteBrokerErrorCode'),
    ...unionOf('packages/server/src/backend/webhook.ts', 'WebhookErrorCode'),
  ]);
  const headings = [...text('docs/ERRORS.md').matchAll(/^### (\S+)$/gm)].map((match) => match[1] ?? '');
  expect(headings.toSorted()).toEqual([...codes].toSorted());
});
