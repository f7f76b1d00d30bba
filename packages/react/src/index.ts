// React hooks for Trunkline.

export { createTrunkline, type TrunklineHooks } from './create-trunkline.js';
export type { TrunklineProviderProps } from './line-provider.js';
export { type LogView, useLog } from './use-log.js';
export { usePresence } from './use-presence.js';
export { type ProcedureState, type ProcedureView, useProcedure } from './use-procedure.js';
export { type ReadersView, type UnreadView, useReaders, useUnread } from './use-readers.js';
export { useRow } from './use-row.js';
export { type SearchHookOptions, type SearchView, useSearch } from './use-search.js';
export { type SignalView, useSignal } from './use-signal.js';
export { type TableView, useTable } from './use-table.js';
