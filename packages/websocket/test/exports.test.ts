import { describe, expect, it } from 'vitest';
import * as entry from '../src/index.js';

describe('the entry point', () => {
  it('exports these values and no others', () => {
    expect(Object.keys(entry).sort()).toEqual([
      'BreachError',
      'CloseEvent',
      'Connection',
      'DEFAULT_LIMITS',
      'MisuseError',
      'PreparedFrame',
      'TransportError',
      'WebSocket',
      'WebSocketError',
      'checkUpgrade',
      'connect',
      'createWebSocketServer',
      'prepareBinary',
      'prepareText',
      'resolveLimits',
      'systemClock',
      'upgradeResponse',
    ]);
  });
});
