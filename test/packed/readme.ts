// The examples of the README and of guides, cut from their fences: ```ts file=app.ts

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './tools.js';

/** File names and contents, as they stand on the page. */
export function readme(page = readFileSync(join(ROOT, 'README.md'), 'utf8')): Record<string, string> {
  const fences = page.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm);
  return Object.fromEntries([...fences].map(([, name = '', text = '']) => [name, text]));
}
