// A table of a running app, for server code: each call becomes a step of the engine.

import type { Row } from '@trunkline/broker';
import type { Engine } from '@trunkline/core';
import { streamName } from '@trunkline/protocol';
import type { RowStep, StepResult, TableRow, TableServerHandle } from './define/table-handle.js';
import type { RequestInfo } from './define/trunkline.js';

export function tableHandle(
  engine: () => Engine<RequestInfo>,
  channel: string,
  params: readonly string[],
): TableServerHandle<never> {
  const change = async (step: readonly RowStep<unknown>[]): Promise<StepResult> => {
    const { offset } = await engine().change(channel, params, step);
    return { offset };
  };
  const handle: TableServerHandle<{ kind: 'table'; params: []; input: unknown; row: unknown; write: 'server' }> = {
    get name() {
      return streamName(channel, params);
    },
    get subscribers() {
      return engine().hub.subscribersOf(streamName(channel, params));
    },
    set: (key, row, options) => change([{ ...options, key, set: row }]),
    patch: (key, fields, options) => change([{ ...options, key, patch: fields }]),
    delete: (key, options) => change([{ ...options, key, delete: true }]),
    change,
    get: async (key) => {
      const row = await engine().row(channel, params, key);
      return row === null ? null : tableRow(row);
    },
    rows: async () => (await engine().rows(channel, params)).map(tableRow),
  };
  return handle as unknown as TableServerHandle<never>;
}

function tableRow({ key, offset, data, expiresAt }: Row): TableRow<unknown> {
  return { key, offset, data: JSON.parse(data), ...(expiresAt === undefined ? {} : { expiresAt }) };
}
