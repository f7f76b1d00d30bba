// Trunkline's core: streams, cursors, slices, sessions. Pure: clock, broker and connections are ports.

export type {
  Action,
  AmendQuestion,
  AppRuntime,
  ChannelRuntime,
  HookResult,
  Identity,
  LogRuntime,
  MarkBounds,
  ProcedureCall,
  ProcedureResult,
  ProcedureRuntime,
  PublishCall,
  RunningProcedure,
  TableRuntime,
  Target,
  Validated,
} from './app.js';
export type { BesideRequests } from './beside-requests.js';
export { type CallerLimits, Callers, type CallerUse } from './callers.js';
export type { Changed, ServerRowChange } from './changer.js';
export { Engine, type EngineOptions } from './engine.js';
export type { Clock, Connection, Log, SharedText } from './ports.js';
export { MAX_LEASE_SECONDS } from './presence-leases.js';
export type { Published } from './publisher.js';
export { type EntriesPage, type EntriesRequest, pageText } from './read-page.js';
export type { Caller, Requests, RowsRequest, Source, TableRow, Written } from './requests.js';
export { type FoundPage, foundText, type SearchRequest } from './search-entries.js';
export type { Session } from './session.js';
export { defaultSpreadMs, type StopOptions } from './shutdown.js';
