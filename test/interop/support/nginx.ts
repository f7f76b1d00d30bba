// nginx as a reverse proxy on loopback, with all its files in a folder of its own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { onStop } from './cleanup.js';
import { run } from './program.js';

export interface NginxOptions {
  /** Where our server listens on loopback. */
  readonly upstreamPort: number;
  /** After how long without a byte from our server nginx gives the connection up, in seconds. Default 60, as nginx has it. */
  readonly readTimeoutSeconds?: number;
  /** What `X-Forwarded-For` says. Default: the address that connected, which is always loopback here. */
  readonly clientAddress?: string;
}

/** Starts it. @returns its port. */
export function startNginx(options: NginxOptions): Promise<number> {
  const { upstreamPort, readTimeoutSeconds = 60, clientAddress = '$remote_addr' } = options;
  return runNginx(
    (port) => `
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${upstreamPort};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-For ${clientAddress};
          proxy_set_header X-Forwarded-Host $http_host;
          proxy_read_timeout ${readTimeoutSeconds}s;
        }
      }`,
  );
}

/** Starts it with what stands in the `http` block, given its port. @returns the port. */
export async function runNginx(http: (port: number) => string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-nginx-'));
  onStop(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const config = `
    daemon off;
    worker_processes 1;
    pid ${join(folder, 'nginx.pid')};
    error_log stderr notice;
    events { worker_connections 64; }
    http {
      access_log off;
      ${temporary.join('\n      ')}
      ${http(port)}
    }
  `;
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config);
  const { errors } = run(process.env.NGINX_PATH ?? '/usr/sbin/nginx', ['-p', folder, '-e', 'stderr', '-c', file]);
  // It listens before it starts its workers, and says so.
  while (!(await errors.next()).includes('start worker process ')) {
    // The next line.
  }
  return port;
}
