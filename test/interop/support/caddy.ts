// Caddy as a reverse proxy on loopback, with all its files in a folder of its own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { onStop } from './cleanup.js';
import { run } from './program.js';

/** Starts it with a site, given its port. @returns the port. */
export async function runCaddy(site: (port: number) => string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-caddy-'));
  onStop(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const file = join(folder, 'Caddyfile');
  // It would serve an API of its own on a port.
  writeFileSync(file, `{\n  admin off\n  auto_https off\n}\n${site(port)}`);
  const command = process.env.CADDY_PATH ?? '/usr/bin/caddy';
  // Its configuration and its certificates would stay in the home folder.
  const { errors } = run(command, ['run', '--adapter', 'caddyfile', '--config', file], {
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
  });
  while (!(await errors.next()).includes('serving initial configuration')) {
    // The next line.
  }
  return port;
}
