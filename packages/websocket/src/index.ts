export { type ConnectOptions, connect } from './client.js';
export { type Clock, systemClock } from './clock.js';
export type { CompressionAgreement, CompressionOptions } from './compression.js';
export { Connection } from './connection.js';
export type { ConnectionEvents, ConnectionOptions, Role } from './connection-options.js';
export type { DrainOptions } from './drain.js';
export {
  type BreachCode,
  BreachError,
  type MisuseCode,
  MisuseError,
  type TransportCode,
  TransportError,
  WebSocketError,
} from './errors.js';
export { PreparedFrame, prepareBinary, prepareText } from './frame.js';
export type { SendOptions, SendResult, WebSocketHandler } from './handler.js';
export type { HeaderFields } from './header-fields.js';
export { DEFAULT_LIMITS, type Limits, resolveLimits } from './limits.js';
export type { SocketEvents, SocketListener } from './listeners.js';
export type { NodeSocket } from './node-socket.js';
export type { FrameObserver, ObservedFrame } from './observer.js';
export type { Outgoing } from './outbox.js';
export {
  createWebSocketServer,
  type WebSocketServer,
} from './server.js';
export {
  checkUpgrade,
  type HandshakeInfo,
  type Refusal,
  type Upgrade,
  type UpgradeRequest,
  upgradeResponse,
} from './server-handshake.js';
export type { AcceptOptions, WebSocketServerOptions } from './server-options.js';
export { CloseEvent, type CloseEventInit } from './whatwg/close-event.js';
export type {
  CloseEventFields,
  EventHandler,
  Sendable,
  WebSocketConstructor,
  WebSocketData,
  WebSocketEvents,
  WebSocketMessageEvent,
  WebSocketOptions,
  WebSocketTarget,
} from './whatwg/types.js';
export { WebSocket } from './whatwg/websocket.js';
