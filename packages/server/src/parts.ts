// The back end's parts, for who runs them on another network and another clock: the simulation of this repository.
// Not for applications; it may change with any version.

export { Backend } from './backend/backend.js';
export { BackendCalls, type BreakerState, type Lane, type MakeLane } from './backend/backend-calls.js';
export { BackendDownError } from './backend/backend-down.js';
export { type BackendOptions, type FilledBackend, fillInBackend } from './backend/backend-options.js';
export type { Posted, Poster } from './backend/post.js';
export type { BackendRequest, RequestType } from './backend/requests.js';
export { asking } from './backend/wanted.js';
export { signed, verifyWebhook } from './backend/webhook.js';
