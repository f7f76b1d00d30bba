// The hooks' types follow from the app.

import {
  type ConnectionSnapshot,
  connect,
  type Line,
  type LogEntry,
  type TableHandle,
  type UntypedApp,
} from '@trunkline/client';
import { createTrunkline, useLog, useProcedure, useRow, useTable } from '@trunkline/react';
import { expectTypeOf } from 'vitest';
import type { Message, TestApp } from '../../client/test/support/world.js';

const { TrunklineProvider, useLine, useConnection } = createTrunkline<TestApp>();

export function Checks() {
  const line = useLine();
  expectTypeOf(line).toEqualTypeOf<Line<TestApp>>();

  const log = useLog(line.channel.chat('lobby'), { last: 10 });
  expectTypeOf(log.entries).toEqualTypeOf<
    readonly LogEntry<Message & { readonly loud?: boolean }, { readonly id: string }>[]
  >();
  expectTypeOf(log.publish).parameters.toEqualTypeOf<[Message]>();
  expectTypeOf(log.pending[0]?.data).toEqualTypeOf<Message | undefined>();
  expectTypeOf(log.pending[0]?.error?.refusal).toEqualTypeOf<'rude' | undefined>();
  // @ts-expect-error not a message
  log.publish({ words: 'hi' });
  // @ts-expect-error not a handle
  useLog('lobby');
  // @ts-expect-error an unknown option
  useLog(line.channel.chat('lobby'), { limit: 10 });

  expectTypeOf(useConnection()).toEqualTypeOf<ConnectionSnapshot<{ readonly id: string }>>();
  expectTypeOf(useConnection((connection) => connection.user?.id)).toEqualTypeOf<string | undefined>();

  const order = useProcedure(line.call.order);
  expectTypeOf(order.call({ n: 1 }, { once: true })).resolves.toEqualTypeOf<number>();
  expectTypeOf(order.result).toEqualTypeOf<number | undefined>();
  expectTypeOf(order.error?.refusal).toEqualTypeOf<'sold_out' | undefined>();
  // @ts-expect-error no such procedure
  useProcedure(line.call.orders);
  // @ts-expect-error not a procedure
  useProcedure(line.channel.chat);
  return null;
}

const mine = connect<TestApp>('/line');

export const providers = [
  <TrunklineProvider key="1" url="/line" />,
  <TrunklineProvider key="2" url="/line" token={async () => 'x'} lingerMs={0}>
    <Checks />
  </TrunklineProvider>,
  <TrunklineProvider key="3" line={mine} />,
  // @ts-expect-error neither a url nor a line
  <TrunklineProvider key="4" />,
  // @ts-expect-error both
  <TrunklineProvider key="5" url="/line" line={mine} />,
  // @ts-expect-error the line of another app
  <TrunklineProvider key="6" line={connect<UntypedApp>('/line')} />,
];

// @ts-expect-error not an app
createTrunkline<{ readonly port: number }>();

// ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Quote {
  readonly bid: number;
}
declare const quotes: TableHandle<Quote>;
declare const desk: TableHandle<Quote, { readonly bid: string }, 'client'>;

export function TableChecks() {
  const table = useTable(quotes, { keys: ['ACME'], ratePerSecond: 2 });
  expectTypeOf(table.rows).toEqualTypeOf<ReadonlyMap<string, Quote>>();
  expectTypeOf(table.staleMs()).toEqualTypeOf<number | undefined>();
  // @ts-expect-error only the server writes it
  table.set('ACME', { bid: 1 });
  expectTypeOf(useTable(desk).set).parameter(1).toEqualTypeOf<{ readonly bid: string }>();
  expectTypeOf(useTable(desk).rows.get('x')).toEqualTypeOf<Quote | undefined>();
  expectTypeOf(useRow(quotes, 'ACME')).toEqualTypeOf<Quote | undefined>();
  expectTypeOf(useRow(quotes, 'ACME', ({ bid }) => bid)).toEqualTypeOf<number | undefined>();
  expectTypeOf(useRow(desk, 'ACME', ({ bid }) => `${bid}`, { ratePerSecond: 1 })).toEqualTypeOf<string | undefined>();
  // @ts-expect-error not a field
  useRow(quotes, 'ACME', (row) => row.ask);
  // @ts-expect-error an unknown option
  useTable(quotes, { last: 10 });
  return null;
}
