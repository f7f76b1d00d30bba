// The subscriptions of one connection, as it was told of them: by their number, until they end.

/** What is the same for streams of every kind. */
export interface ToldStream {
  readonly stream: string;
  /** Up to where it was served. */
  cursor: number;
  isSynced: boolean;
}

export class ToldStreams<Told extends ToldStream> {
  readonly #told = new Map<number, Told>();

  /** @param syncedRule the rule of the protocol that says when `synced` comes */
  constructor(
    private readonly syncedRule: string,
    private readonly onBroken: (promise: string, what: string) => void,
  ) {}

  begin(ch: number, told: Told): void {
    this.#told.set(ch, told);
  }
  get(ch: number): Told | undefined {
    return this.#told.get(ch);
  }
  has(ch: number): boolean {
    return this.#told.has(ch);
  }
  get all(): readonly Told[] {
    return [...this.#told.values()];
  }
  streamOf(ch: number): string {
    return this.#told.get(ch)?.stream ?? '';
  }
  get streams(): readonly string[] {
    return this.all.map(({ stream }) => stream);
  }

  unsubscribed(stream: string): void {
    for (const [ch, told] of this.#told) if (told.stream === stream) this.#told.delete(ch);
  }
  ended(ch: number): void {
    this.#told.delete(ch);
  }
  closed(): void {
    this.#told.clear();
  }

  synced(ch: number, to: number): void {
    const told = this.#told.get(ch);
    if (told === undefined) return;
    const { stream, cursor } = told;
    if (told.isSynced) this.onBroken(this.syncedRule, `${stream}: synced twice`);
    if (to !== cursor) this.onBroken(this.syncedRule, `${stream}: synced to ${to}, served to ${cursor}`);
    told.isSynced = true;
  }
}
