// A whole table, page by page. It may change meanwhile: what did comes again, newer, in a later page. Only if so many rows were
// deleted meanwhile that the deletion of one that was read is forgotten (or the table is another by now), the reading begins anew.

import { type PageLimit, type RowsPage, type Tables, UnrecoverablePositionError } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';

const FROM_START = { epoch: null, offset: 0 };
/** Who finds no whole table this often is told: that is no chance any more, but a broker that breaks its word. */
const MAX_TRIES = 20;

/**
 * Puts every page into what `begin` made, the last time that it was called. Rejects as the broker does.
 * @param isWanted asked after each page: `false` gives up, and `null` is the answer.
 */
export async function readTable<Whole>(
  broker: Tables,
  stream: StreamName,
  limit: PageLimit,
  begin: () => { readonly whole: Whole; readonly add: (page: RowsPage) => void },
  isWanted: () => boolean = () => true,
): Promise<{ readonly whole: Whole; readonly last: RowsPage } | null> {
  for (let tries = 1; ; tries += 1) {
    const { whole, add } = begin();
    let page = await broker.readRows(stream, FROM_START, limit);
    const begunAt = page.offset;
    try {
      while (isWanted()) {
        add(page);
        if (page.to >= page.offset) return { whole, last: page };
        page = await broker.readRows(stream, { epoch: page.epoch, offset: page.to }, limit, begunAt);
      }
      return null;
    } catch (error) {
      if (!(error instanceof UnrecoverablePositionError) || tries === MAX_TRIES) throw error;
    }
  }
}
