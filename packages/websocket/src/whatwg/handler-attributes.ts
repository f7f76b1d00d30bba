/**
 * Event handler attributes such as `onmessage` (HTML §8.1.8.1). One is a listener that keeps its place among the others
 * while its function changes; `null` takes it off the list. What is not an object counts as `null`.
 */

interface Attribute {
  value: object;
  readonly listener: (event: Event) => void;
}

export class HandlerAttributes {
  readonly #target: EventTarget;
  readonly #attributes = new Map<string, Attribute>();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get(type: string): object | null {
    return this.#attributes.get(type)?.value ?? null;
  }

  set(type: string, given: unknown): void {
    const value = typeof given === 'function' || typeof given === 'object' ? given : null;
    const attribute = this.#attributes.get(type);
    if (value === null) {
      if (attribute !== undefined) this.#target.removeEventListener(type, attribute.listener);
      this.#attributes.delete(type);
    } else if (attribute !== undefined) {
      attribute.value = value;
    } else {
      this.#add(type, value);
    }
  }

  #add(type: string, value: object): void {
    const attribute: Attribute = {
      value,
      listener: (event) => {
        const handler = attribute.value;
        // An object that cannot be called is kept, and does nothing.
        if (typeof handler === 'function') Reflect.apply(handler, this.#target, [event]);
      },
    };
    this.#attributes.set(type, attribute);
    this.#target.addEventListener(type, attribute.listener);
  }
}
