// Runs as a broker with a disk has them: entries gather for a moment, leave together, and those that were stored one behind the other are told of at
// once.

import type { AppendOptions, AppendResult, Broker, NewEntry, OpenRun, RunEntry, RunTold } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';

type Append = Broker['append'];

export class GatheredRun implements OpenRun {
  readonly #entries: NewEntry[];
  #hasLeft = false;

  constructor(
    private readonly append: Append,
    private readonly stream: StreamName,
    private readonly first: RunEntry,
    private readonly options: AppendOptions,
    private readonly told: RunTold,
    private readonly most: number,
  ) {
    this.#entries = [first];
    void Promise.resolve().then(() => this.#leave());
  }

  add(data: string): boolean {
    if (this.#hasLeft || this.#entries.length === this.most) return false;
    const { producer, seq } = this.first.source;
    this.#entries.push({ ...this.first, data, source: { producer, seq: seq + this.#entries.length } });
    return true;
  }

  async #leave(): Promise<void> {
    this.#hasLeft = true;
    const { seq } = this.first.source;
    const results = await Promise.allSettled(
      this.#entries.map((entry, index) =>
        this.append(this.stream, [entry], index === 0 ? this.options : { ...this.options, after: seq + index - 1 }),
      ),
    );
    for (let index = 0; index < results.length; ) {
      const result = results[index] as PromiseSettledResult<AppendResult>;
      if (result.status === 'rejected') {
        this.told.refused(index, result.reason);
        index += 1;
        continue;
      }
      const { epoch } = result.value;
      const one = placeOf(result);
      let count = 1;
      while (isNext(results[index + count], one.offset + count) && !one.duplicate) count += 1;
      this.told.stored(index, count, epoch, one.offset, one.at, one.duplicate);
      index += count;
    }
  }
}

function placeOf(result: PromiseFulfilledResult<AppendResult>): AppendResult['appended'][number] {
  const [place] = result.value.appended;
  if (place === undefined) throw new Error('an append of one entry has one place');
  return place;
}

function isNext(result: PromiseSettledResult<AppendResult> | undefined, offset: number): boolean {
  if (result?.status !== 'fulfilled') return false;
  const place = placeOf(result);
  return place.offset === offset && !place.duplicate;
}
