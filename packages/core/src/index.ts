// Trunkline's core: streams, cursors, slices, sessions. Pure: clock, broker and connections are ports.

export type {
  Action,
  AppRuntime,
  HookResult,
  Identity,
  LogRuntime,
  PublishCall,
  Validated,
} from './app.js';
export { Engine, type EngineOptions } from './engine.js';
export type { Clock, Connection, Log, SharedText } from './ports.js';
export type { Published } from './publisher.js';
export type { Session } from './session.js';
export { defaultSpreadMs, type StopOptions } from './shutdown.js';
