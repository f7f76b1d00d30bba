// Trunkline for Node: define an app, serve it, or attach it to an existing HTTP server.

export type { BackendDeadLetter, BackendHealth, TrunkBackend } from './backend/backend.js';
export type { BreakerState } from './backend/backend-calls.js';
export type { BackendOptions } from './backend/backend-options.js';
export type {
  AfterRequest,
  AuthorizeRequest,
  BackendRequest,
  BeforeRequest,
  RequestType,
  ToldState,
  ToldStream,
  ToldUser,
} from './backend/requests.js';
export {
  type VerifyOptions,
  verifyWebhook,
  WebhookError,
  type WebhookErrorCode,
  type WebhookHeaders,
} from './backend/webhook.js';
export type { CloseOptions } from './closing.js';
export type {
  BesideOptions,
  MarkersOption,
  MarkersServer,
  PresenceOption,
  PresenceServer,
  PresentUser,
  SignalSchemas,
  SignalsServer,
} from './define/beside.js';
export type { At, LogServerHandle, ServerHandle, StoredAt } from './define/handles.js';
export type {
  Action,
  AmendedEntry,
  AuthorizeContext,
  HookedLogOptions,
  LogContractOf,
  LogDefinition,
  ModerateContext,
  NoHook,
  PlainLogOptions,
  PublishContext,
  Retain,
} from './define/log.js';
export { trunkline } from './define/make.js';
export type {
  PlainContractOf,
  PlainProcedureOptions,
  ProcedureContractOf,
  ProcedureDefinition,
  RunContext,
  ShapedContractOf,
  ShapedProcedureOptions,
} from './define/procedure.js';
export { type Refusal, refuse } from './define/refusal.js';
export type {
  TableAction,
  TableAuthorizeContext,
  TableContractOf,
  TableDefinition,
  TableKeeping,
  TableOptions,
  TableWriters,
} from './define/table.js';
export type {
  OptionalField,
  RowCondition,
  RowOptions,
  RowPatchOptions,
  RowStep,
  StepResult,
  TableRow,
  TableServerHandle,
} from './define/table-handle.js';
export type { App, BaseUser, RequestInfo, Trunkline, TrunklineOptions } from './define/trunkline.js';
export type { DisconnectOptions } from './disconnect.js';
export type { Health } from './health.js';
export type { ApiKey, ApiKeys } from './http/credentials.js';
export type { LineOptions } from './options.js';
export { attach, ListenError, type ServedTrunk, type ServeOptions, serve, type Trunk } from './serve.js';
