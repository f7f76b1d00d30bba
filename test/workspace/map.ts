// The map: who may import whom. One arrow less is a smaller thing to understand; a new one needs a reason here.

/** A package's place on the map. */
export interface Place {
  /** Packages of ours that it may import. */
  readonly mayImport: readonly string[];
  /** Runs anywhere: nothing reachable from its entries, but those named in `nodeEntries`, imports a module of Node. */
  readonly pure: boolean;
  /** Entries (as in `exports`) that are for Node or for tests; they may also import `nodeMayImport`. */
  readonly nodeEntries?: readonly string[];
  readonly nodeMayImport?: readonly string[];
  /** Nothing of it is installed by others: what its sources need may stand among the devDependencies. */
  readonly isShown?: boolean;
}

export const MAP: Readonly<Record<string, Place>> = {
  'packages/websocket': { mayImport: [], pure: false },
  'packages/protocol': { mayImport: [], pure: true },
  'packages/broker': { mayImport: ['@trunkline/protocol'], pure: true, nodeEntries: ['./contract'] },
  'packages/core': { mayImport: ['@trunkline/protocol', '@trunkline/broker'], pure: true },
  'packages/server': {
    mayImport: ['@trunkline/core', '@trunkline/websocket', '@trunkline/protocol', '@trunkline/broker'],
    pure: false,
  },
  'packages/broker-sqlite': { mayImport: ['@trunkline/broker', '@trunkline/protocol'], pure: false },
  'packages/client': {
    mayImport: ['@trunkline/protocol'],
    pure: true,
    nodeEntries: ['./node'],
    nodeMayImport: ['@trunkline/websocket'],
  },
  'packages/react': { mayImport: ['@trunkline/client', '@trunkline/protocol'], pure: true },
  'packages/cli': {
    // The engine itself for `echo` and `tap`, which are for any WebSocket, Trunkline's or not.
    mayImport: ['@trunkline/server', '@trunkline/client', '@trunkline/broker-sqlite', '@trunkline/websocket'],
    pure: false,
  },
  // A tool of this repository: everything that it puts into its world, and nothing imports it but tests.
  'packages/testing': {
    mayImport: [
      '@trunkline/core',
      '@trunkline/client',
      '@trunkline/broker',
      '@trunkline/broker-sqlite',
      '@trunkline/protocol',
      '@trunkline/server',
      '@trunkline/websocket',
    ],
    pure: false,
  },
  'apps/demo': {
    mayImport: ['@trunkline/server', '@trunkline/client', '@trunkline/react', '@trunkline/broker-sqlite'],
    pure: false,
  },
  // Programs to read and to run. The frameworks they stand beside are tools of this repository, and no part of what ships.
  examples: {
    mayImport: ['@trunkline/server', '@trunkline/websocket', '@trunkline/broker', '@trunkline/broker-sqlite'],
    pure: false,
    isShown: true,
  },
};
