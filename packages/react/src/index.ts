// React hooks for Trunkline.

export { createTrunkline, type TrunklineHooks } from './create-trunkline.js';
export type { TrunklineProviderProps } from './line-provider.js';
export { type LogView, useLog } from './use-log.js';
export { type ProcedureState, type ProcedureView, useProcedure } from './use-procedure.js';
export { useRow } from './use-row.js';
export { type TableView, useTable } from './use-table.js';
