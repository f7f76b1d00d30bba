// What a field of a message may be: a check for each kind of value, and in words what was expected.

import { ERROR_CODES, type ErrorCode } from './errors.js';
import type { JsonValue } from './json.js';
import {
  MAX_DATA_DEPTH,
  MAX_KEY_BYTES,
  MAX_PROCEDURE_NAME_LENGTH,
  MAX_REACTION_BYTES,
  MAX_SIGNAL_NAME_LENGTH,
} from './limits.js';
import type { After, RowData } from './messages.js';
import { MAX_STREAM_NAME_BYTES } from './names.js';
import { utf8Bytes } from './utf8-bytes.js';

export interface Check<T> {
  readonly is: (value: unknown) => value is T;
  readonly expected: string;
}
export interface MaybeOptional {
  readonly optional?: true;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
/** Of what JSON.parse gave, which has no inherited members to see. */
function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) return value.some((inner) => isDeeper(inner, depth - 1));
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], depth - 1)) return true;
  return false;
}
export const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

export const count: Check<number> = { is: isCount, expected: 'a whole number from 0 to 2^53 - 1' };
export const ordinal: Check<number> = {
  is: (value): value is number => isCount(value) && value > 0,
  expected: 'a whole number from 1 to 2^53 - 1',
};
export const time: Check<number> = { is: isTime, expected: 'a number of milliseconds' };
export const flag: Check<boolean> = { is: (value) => typeof value === 'boolean', expected: 'true or false' };
export const word: Check<string> = { is: (value) => typeof value === 'string', expected: 'text' };
export const words: Check<readonly string[]> = {
  is: (value): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  expected: 'a list of texts',
};
export const id = ordinal;
export const json: Check<JsonValue> = {
  is: (value): value is JsonValue => value !== undefined,
  expected: 'a JSON value',
};
// JSON.parse takes any depth, but JSON.stringify and most validators recurse: a few thousand brackets would end in a
// RangeError wherever the value is touched next.
export const payload: Check<JsonValue> = {
  is: (value): value is JsonValue => value !== undefined && !isDeeper(value, MAX_DATA_DEPTH),
  expected: `a JSON value, nested at most ${MAX_DATA_DEPTH} deep`,
};
export const name: Check<string> = {
  is: (value): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_STREAM_NAME_BYTES,
  expected: `a stream's name of 1 to ${MAX_STREAM_NAME_BYTES} bytes`,
};
export const signalName: Check<string> = {
  is: (value): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_SIGNAL_NAME_LENGTH,
  expected: `text of 1 to ${MAX_SIGNAL_NAME_LENGTH} characters`,
};
export const procedure: Check<string> = {
  is: (value): value is string =>
    typeof value === 'string' && value !== '' && value.length <= MAX_PROCEDURE_NAME_LENGTH,
  expected: `a procedure's name of 1 to ${MAX_PROCEDURE_NAME_LENGTH} characters`,
};
const PRODUCER = /^[A-Za-z0-9_-]{1,64}$/;
export const producer: Check<string> = {
  is: (value): value is string => typeof value === 'string' && PRODUCER.test(value),
  expected: '1 to 64 letters, digits, _ or -',
};
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;
export const epoch: Check<string> = {
  is: (value): value is string => typeof value === 'string' && EPOCH.test(value),
  expected: 'an epoch as the server gave it',
};
export const epochOrNull: Check<string | null> = {
  is: (value): value is string | null => value === null || epoch.is(value),
  expected: 'an epoch or null',
};
export const position: Check<After> = {
  is: (value): value is After =>
    isRecord(value) && epoch.is(value.epoch) && isCount(value.offset) && (value.at === undefined || isTime(value.at)),
  expected: '{epoch, offset, at?}',
};
export const errorCode: Check<ErrorCode> = {
  is: (value): value is ErrorCode => typeof value === 'string' && Object.hasOwn(ERROR_CODES, value),
  expected: 'an error code',
};
const RATE_MAX = 100;
export const rate: Check<number> = {
  is: (value): value is number => typeof value === 'number' && value > 0 && value <= RATE_MAX,
  expected: `a number above 0 and at most ${RATE_MAX}`,
};
const key: Check<string> = {
  is: (value): value is string =>
    typeof value === 'string' && value !== '' && value.length <= MAX_KEY_BYTES && utf8Bytes(value) <= MAX_KEY_BYTES,
  expected: `1 to ${MAX_KEY_BYTES} bytes of text`,
};
export const reaction: Check<string> = {
  is: (value): value is string =>
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_REACTION_BYTES &&
    utf8Bytes(value) <= MAX_REACTION_BYTES,
  expected: `1 to ${MAX_REACTION_BYTES} bytes of text`,
};
const listOf = <T>(item: Check<T>): Check<readonly T[]> => ({
  is: (value): value is readonly T[] => Array.isArray(value) && value.every(item.is),
  expected: `a list, each ${item.expected}`,
});
export const byKey = <T>(item: Check<T>): Check<{ readonly [key: string]: T }> => ({
  is: (value): value is { readonly [key: string]: T } =>
    isRecord(value) && Object.entries(value).every(([name, inner]) => key.is(name) && item.is(inner)),
  expected: `an object whose keys are ${key.expected}, each ${item.expected}`,
});
export const orNull = <T>(check: Check<T>): Check<T | null> => ({
  is: (value): value is T | null => value === null || check.is(value),
  expected: `${check.expected}, or null`,
});
export const keys = listOf(key);
export const row: Check<RowData> = {
  is: (value): value is RowData => isRecord(value) && payload.is(value),
  expected: `an object, nested at most ${MAX_DATA_DEPTH} deep`,
};
export const yes: Check<true> = { is: (value): value is true => value === true, expected: 'true' };
export const optional = <T>(check: Check<T>): Check<T> & { readonly optional: true } => ({ ...check, optional: true });
