// The hooks' types follow from the app.

import { type ConnectionSnapshot, connect, type Line, type LogEntry, type UntypedApp } from '@trunkline/client';
import { createTrunkline, useLog } from '@trunkline/react';
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
