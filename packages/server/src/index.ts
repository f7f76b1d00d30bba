// Trunkline for Node: define an app, serve it, or attach it to an existing HTTP server.

export type { At, LogServerHandle, ServerHandle } from './define/handles.js';
export type { Action, AuthorizeContext, LogDefinition, LogOptions, PublishContext, Retain } from './define/log.js';
export { type Refusal, refuse } from './define/refusal.js';
export type { App, BaseUser, RequestInfo, Trunkline, TrunklineOptions } from './define/trunkline.js';
