// What came of a call, as the text that is kept for those who ask again: `{"data":…}` or `{"error":{…}}`.

import { type ErrorCode, type Outcome, TrunklineError } from '@trunkline/protocol';

/** What a procedure returned, as JSON text, or why there is nothing. */
export type Came = { readonly text: string } | { readonly error: TrunklineError };

interface KeptError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly outcome: Outcome;
  readonly refusal?: string;
}

const DATA = '{"data":';

/** An error is kept without `retry`: a call whose answer is kept is not run again. */
export function keptText(came: Came): string {
  if ('text' in came) return `${DATA}${came.text}}`;
  const { code, message, outcome, refusal } = came.error;
  const error: KeptError = { code, message, outcome, ...(refusal === undefined ? {} : { refusal }) };
  return JSON.stringify({ error });
}

export function keptValue(kept: string): Came {
  if (kept.startsWith(DATA)) return { text: kept.slice(DATA.length, -1) };
  const { code, message, outcome, refusal } = (JSON.parse(kept) as { readonly error: KeptError }).error;
  return { error: new TrunklineError(code, message, { retry: false, outcome, refusal }) };
}
