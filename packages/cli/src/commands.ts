// What the user can ask for.

export type Command = HelpCommand | VersionCommand | StartCommand | EchoCommand | TapCommand;

export interface HelpCommand {
  readonly name: 'help';
}

export interface VersionCommand {
  readonly name: 'version';
}

export interface StartCommand {
  readonly name: 'start';
  /** Path of the module that exports `app`. */
  readonly module: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: string;
  /** Folder of the database. */
  readonly data: string;
  /** How long clients have to move to another server at the end, in milliseconds. */
  readonly drainMs: number;
  /** Of back ends that use the HTTP API: secrets by name. */
  readonly apiKeys: Readonly<Record<string, string>>;
}

export interface EchoCommand {
  readonly name: 'echo';
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: string;
  /** Whether to compress for clients that offer it. */
  readonly deflate: boolean;
  /** Files in PEM format, or a certificate made for the run; `null` for no TLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | 'self-signed' | null;
  readonly maxMessageBytes: number;
}

export interface TapCommand {
  readonly name: 'tap';
  readonly url: URL;
  readonly subprotocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Whether typed lines are hex, sent as binary messages. */
  readonly binary: boolean;
  readonly deflate: boolean;
  /** File in PEM format of who may sign the server's certificate; `null` for the system's list. */
  readonly ca: string | null;
  readonly insecure: boolean;
  /** After the end of the input: how long nothing may come before it closes, in milliseconds; `null` stays. */
  readonly lingerMs: number | null;
  /** Bytes of each payload that are shown. */
  readonly shownBytes: number;
  /** Follows a stream of a Trunkline endpoint instead. */
  readonly follow: Follow | null;
}

export interface Follow {
  readonly key: string;
  readonly params: readonly string[];
  readonly token: string | null;
  /** Of a log: entries of history to begin with. `null`: not said, so that it may be a table. */
  readonly last: number | null;
  /** Of a table: the rows to follow; `null` for all. */
  readonly keys: readonly string[] | null;
  /** Of a table: changes are told so often a second; `null` at once. */
  readonly ratePerSecond: number | null;
  /** Whether each line is JSON. */
  readonly json: boolean;
}
