// The wall clock of servers that run in the test's own process: it goes on as it does, from a later moment. The time on it is what
// tokens end by; timers are not touched.

const TrueDate = Date;
let aheadMs = 0;

class LaterDate extends TrueDate {
  // As `Date` itself is called: without an argument for now, or with what names a moment.
  constructor(...given: [] | ConstructorParameters<typeof TrueDate>) {
    if (given.length === 0) super(LaterDate.now());
    else super(...given);
  }

  static override now(): number {
    return TrueDate.now() + aheadMs;
  }
}

/** So much time passes at once. */
export function putForward(ms: number): void {
  aheadMs += ms;
  globalThis.Date = LaterDate as DateConstructor;
}

export function putBack(): void {
  aheadMs = 0;
  globalThis.Date = TrueDate;
}
