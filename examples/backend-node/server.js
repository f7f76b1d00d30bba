// A back end on node:http that keeps messages in a database of its own (SQLite): who may write, what may be written, and what was.
//   WEBHOOK_SECRET=whsec_… PORT=3001 node examples/backend-node/server.js

import { createServer } from 'node:http';
import { verifyWebhook, WebhookError } from '@trunkline/server';
import Database from 'libsql';
import { live, port } from '../life.js';

const { WEBHOOK_SECRET: secret = '', DATABASE = 'messages.db' } = process.env;
const MAX_BODY_BYTES = 1_048_576;

const db = new Database(DATABASE);
db.exec(`
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL UNIQUE, stream TEXT NOT NULL, offset INTEGER NOT NULL,
    author TEXT, text TEXT NOT NULL, at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS banned (user TEXT PRIMARY KEY)`);
const isBanned = db.prepare('SELECT 1 FROM banned WHERE user = ?');
// The webhook's id is the same however often it is sent: what is here already is not stored again.
const store = db.prepare(
  'INSERT OR IGNORE INTO messages (webhook, stream, offset, author, text, at) VALUES (?, ?, ?, ?, ?, ?)',
);
// Doing this twice changes nothing.
const rewrite = db.prepare('UPDATE messages SET text = ? WHERE stream = ? AND offset = ?');

/**
 * What is answered to a request that is known to come from Trunkline.
 * @param {string} id
 * @param {import('@trunkline/server').BackendRequest} request
 */
function answerTo(id, { type, data }) {
  if (type === 'authorize') {
    // Whoever is banned may do nothing, and nobody may edit or delete what others wrote.
    const isTheirs = data.amendment === undefined || data.amendment === 'react' || data.entry?.isOwn === true;
    return { allow: isTheirs && isBanned.get(data.user.id) === undefined };
  }
  // Of a deleted entry it is null.
  const { text } = /** @type {{ text: string }} */ (data.entry ?? { text: '' });
  if (type === 'publish.before') {
    if (/\bdarn\b/i.test(text)) return { accept: false, code: 'rude', message: 'Please be kind' };
    return text.includes(':)') ? { accept: true, entry: { text: text.replaceAll(':)', '🙂') } } : { accept: true };
  }
  if (data.kind === 'amend') rewrite.run(text, data.stream, data.amends ?? 0);
  else store.run(id, data.stream, data.offset, data.user?.id ?? null, text, data.at);
  return {};
}

const server = createServer(async (request, response) => {
  const answer = (/** @type {number} */ status, /** @type {object} */ body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    /** @type {Buffer[]} */
    const chunks = [];
    let bytes = 0;
    for await (const chunk of request) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) {
        answer(413, { error: 'too large' });
        return;
      }
      chunks.push(chunk);
    }
    const { id, request: asked } = verifyWebhook(request.headers, Buffer.concat(chunks), secret);
    answer(200, answerTo(id, asked));
  } catch (error) {
    if (error instanceof WebhookError) answer(401, { error: error.code });
    else {
      console.error(error);
      // Trunkline tries again later.
      answer(500, { error: 'failed' });
    }
  }
});

server.listen(port, '127.0.0.1', () =>
  live(server.address(), async () => {
    await new Promise((closed) => {
      server.close(closed);
      server.closeIdleConnections();
    });
    db.close();
  }),
);
