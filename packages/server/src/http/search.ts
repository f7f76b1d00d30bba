// Search over HTTP: a page of what was found.

import { foundText } from '@trunkline/core';
import { MAX_FOUND, MAX_QUERY_LENGTH, MAX_QUERY_WORDS } from '@trunkline/protocol';
import { type Answer, tagged } from './answer.js';
import type { Context } from './context.js';
import { DEFAULT_LIMIT, pageTag } from './entries.js';
import { badRequest } from './http-error.js';
import { numberOf, type QueryParameters } from './query.js';

export function searchQuery(): QueryParameters {
  return {
    q: {
      pattern: '^',
      description: `Words, all of which have to occur; the last one may be the beginning of one. At most ${MAX_QUERY_LENGTH} characters and ${MAX_QUERY_WORDS} words.`,
    },
    before: { least: 0, most: Number.MAX_SAFE_INTEGER, description: 'Only entries before this offset. Default: all.' },
    limit: { least: 1, most: MAX_FOUND, description: `Entries at most. Default ${DEFAULT_LIMIT}.` },
  };
}

export async function searchEntries({ requests, caller, target, query, request }: Context): Promise<Answer> {
  const text = query.get('q');
  if (text === undefined) throw badRequest('name what is looked for: q');
  const before = numberOf(query, 'before');
  const limit = numberOf(query, 'limit') ?? DEFAULT_LIMIT;
  const page = await requests.search(caller, target, {
    query: text,
    limit,
    ...(before === undefined ? {} : { before }),
  });
  const tag = pageTag(page.epoch, page.floor, page.head);
  return tagged(tag, `{${foundText(page)}}`, request.headers['if-none-match']);
}
