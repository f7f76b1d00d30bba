// The hooks, typed by the server's app. Only its type comes here: nothing of the server is in the bundle.

import { createTrunkline } from '@trunkline/react';
import type { App } from '../server/app.js';

export const {
  TrunklineProvider,
  useLine,
  useConnection,
  useLog,
  usePresence,
  useReaders,
  useRow,
  useSearch,
  useSignal,
  useTable,
  useUnread,
} = createTrunkline<App>();
export type { App };
