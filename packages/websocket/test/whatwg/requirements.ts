/**
 * The lines of the WHATWG WebSocket standard that the class answers for, by id. Each must have a test whose name carries
 * its id (`requirements.test.ts`). Left out: WA-16, what a collector of garbage may take.
 */
export const REQUIREMENTS: Readonly<Record<string, string>> = {
  'WA-01': 'URLs',
  'WA-02': 'subprotocols',
  'WA-03': 'the request',
  'WA-04': 'a subprotocol that was asked for must be chosen',
  'WA-05': 'url, protocol, extensions',
  'WA-06': 'readyState and its constants',
  'WA-07': 'close',
  'WA-08': 'send before and after',
  'WA-09': 'bufferedAmount',
  'WA-10': 'a full buffer',
  'WA-11': 'binaryType',
  'WA-12': 'message events',
  'WA-13': 'error and close events',
  'WA-14': 'failures look alike',
  'WA-15': 'close reasons as text',
  'WA-17': 'a program that ends; pings and pongs do not show',
};
