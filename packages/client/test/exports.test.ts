// The public surface at run time: a change of it is a change of this list.

import * as browser from '@trunkline/client';
import * as node from '@trunkline/client/node';
import { expect, it } from 'vitest';

it('both entries export the same few names', () => {
  expect(Object.keys(browser).sort()).toEqual(['BadNameError', 'TrunklineError', 'connect']);
  expect(Object.keys(node).sort()).toEqual(Object.keys(browser).sort());
  expect(node.TrunklineError).toBe(browser.TrunklineError);
});
