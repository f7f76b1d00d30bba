// Trunkline's core: streams, cursors, slices, sessions. Pure: clock, broker and connections are ports.

export type {
  Action,
  AppRuntime,
  ChannelRuntime,
  HookResult,
  Identity,
  LogRuntime,
  PublishCall,
  TableRuntime,
  Validated,
} from './app.js';
export type { Changed, ServerRowChange } from './changer.js';
export { Engine, type EngineOptions } from './engine.js';
export type { Clock, Connection, Log, SharedText } from './ports.js';
export type { Published } from './publisher.js';
export type { Session } from './session.js';
export { defaultSpreadMs, type StopOptions } from './shutdown.js';
