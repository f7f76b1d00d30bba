// A broker that hands each call on, to be spread where some calls do something else. It knows the methods from the broker itself, its
// optional powers too, so that a call that the port gets one day is handed on without a word here.

import type { Broker } from '../broker.js';

/** A plain object with every method of `broker`: `{ ...forwards(broker), close: async () => {} }`. Accessors, such as a health, are left out. */
export function forwards<B extends Broker>(broker: B): Broker & Pick<B, Methods<B>> {
  const made: Record<string, unknown> = {};
  for (
    let part: object | null = broker;
    part !== null && part !== Object.prototype;
    part = Object.getPrototypeOf(part)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(part))) {
      if (typeof value === 'function' && name !== 'constructor') made[name] ??= value.bind(broker);
    }
  }
  return made as unknown as Broker & Pick<B, Methods<B>>;
}

type Methods<B> = { [Name in keyof B]: B[Name] extends (...args: never[]) => unknown ? Name : never }[keyof B];
