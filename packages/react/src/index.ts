// React hooks for Trunkline.

export { createTrunkline, type TrunklineHooks, type TrunklineProviderProps } from './create-trunkline.js';
export { type LogView, type UseLog, useLog } from './use-log.js';
