// How an application's own rule says no. A refusal is a value: a hook returns it, and its code is part of the type.

const REFUSAL: unique symbol = Symbol('trunkline.refusal');

/** What `refuse` makes. */
export interface Refusal<Code extends string> {
  readonly [REFUSAL]: true;
  readonly code: Code;
  readonly message: string;
}

/**
 * Refuses what a hook was asked to do: `return refuse('rude', 'Please be kind')`. The client's promise rejects with an error
 * whose `code` is `refused` and whose `refusal` is this code; nothing is stored.
 * @param code The application's own word for the rule, for programs to compare.
 * @param message A sentence for people. Default: the code.
 */
export function refuse<const Code extends string>(code: Code, message: string = code): Refusal<Code> {
  return { [REFUSAL]: true, code, message };
}

export function isRefusal(value: unknown): value is Refusal<string> {
  return typeof value === 'object' && value !== null && REFUSAL in value;
}
