// The back end's dead letters over HTTP, for whoever looks after it: looked at, told again, forgotten.

import { TrunklineError } from '@trunkline/protocol';
import type { TrunkBackend } from '../backend/backend.js';
import { type Answer, done } from './answer.js';
import type { KnownKey } from './credentials.js';
import type { LetterPlace } from './place.js';
import { numberOf } from './query.js';

export interface LettersContext {
  readonly backend: TrunkBackend | null;
  readonly key: KnownKey;
  readonly query: ReadonlyMap<string, string>;
}

/** Rejects with a TrunklineError. */
export async function answerLetters(
  { at, letter }: { readonly at: LetterPlace; readonly letter: number },
  { backend, key, query }: LettersContext,
): Promise<Answer> {
  // They may be of any channel.
  if (key.channels !== null) throw new TrunklineError('forbidden', 'this API key is for some channels only');
  if (backend === null) throw new TrunklineError('not_found', 'there is no back end');
  if (at === 'letters') {
    const [after, limit] = [numberOf(query, 'after') ?? 0, numberOf(query, 'limit') ?? 100];
    return done(200, { letters: await backend.deadLetters({ after, limit }) });
  }
  if (at === 'replay') {
    await backend.replay(letter);
    return done(200, { replayed: letter });
  }
  if (!(await backend.forget(letter))) throw new TrunklineError('not_found', `there is no dead letter ${letter}`);
  return done(200, { forgotten: letter });
}
