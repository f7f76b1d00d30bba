// POST /images with a guest's token stores an image; GET /images/NAME gives it to whoever knows the name, which is the hash of its content.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { IMAGE_NAME, IMAGE_TYPES, IMAGES_PATH, type ImageEnding, type ImageProblem } from '../../shared/image.js';
import { IMAGE_BYTES_MAX } from '../../shared/limits.js';
import type { Guests } from '../guests.js';
import { bearerOf, isSameOrigin, sendJson } from '../http.js';
import type { RateLimit } from '../rate-limit.js';
import { ImageError, type ImageStore } from './image-store.js';

/** @param limit Counts what a guest posts. */
export async function answerImage(
  images: ImageStore,
  guests: Guests,
  limit: RateLimit,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  const isPost = path === IMAGES_PATH;
  const allowed = isPost ? ['POST'] : ['GET', 'HEAD'];
  if (!allowed.includes(request.method ?? '')) {
    response.setHeader('Allow', allowed.join(', '));
    return refuse(response, 405, isPost ? 'Images are posted here.' : 'Images can only be read.');
  }
  return isPost ? post(images, guests, limit, request, response) : send(images, path, request, response);
}

async function post(
  images: ImageStore,
  guests: Guests,
  limit: RateLimit,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isSameOrigin(request)) return refuse(response, 403, 'Images are posted by the pages of this server only.');
  const guest = await guests.verify(bearerOf(request));
  if (guest === null) return refuse(response, 401, 'Only guests may send images, and this token is none of a guest.');
  const waitSeconds = limit.take(guest.id);
  if (waitSeconds > 0) {
    response.setHeader('Retry-After', waitSeconds);
    return refuse(response, 429, `You send images too fast. Try again in ${waitSeconds} s.`);
  }
  try {
    const stored = await images.put(await readBytes(request), guest.id);
    sendJson(response, 201, stored);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    refuse(response, error.status, error.message);
  }
}

async function send(
  images: ImageStore,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = path.slice(IMAGES_PATH.length + 1);
  const ending = IMAGE_NAME.exec(name)?.[1] as ImageEnding | undefined;
  const file = ending === undefined ? undefined : images.fileOf(name);
  const found = file === undefined ? undefined : await stat(file).catch(() => undefined);
  if (ending === undefined || file === undefined || found === undefined)
    return refuse(response, 404, 'There is no such image.');
  response.writeHead(200, {
    'Content-Type': IMAGE_TYPES[ending],
    'Content-Length': found.size,
    'Content-Disposition': `inline; filename="${name.slice(0, 12)}.${ending}"`,
    // It never changes; but who deletes the message wants it gone in a day elsewhere too.
    'Cache-Control': 'private, max-age=86400, immutable',
    'X-Content-Type-Options': 'nosniff',
    // Opened as a page of its own it can do nothing.
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
  });
  if (request.method === 'HEAD') return void response.end();
  const content = createReadStream(file);
  content.once('error', () => response.destroy());
  response.once('close', () => content.destroy());
  content.pipe(response);
}

/** @throws ImageError 413, as soon as it is known. */
async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = new ImageError(413, 'The image is larger than 2 MB.');
  if (Number(request.headers['content-length'] ?? 0) > IMAGE_BYTES_MAX) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > IMAGE_BYTES_MAX) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, status: number, problem: string): void {
  // What is left of the body is not read: with a connection that stays, the next request would begin in the middle of it.
  response.setHeader('Connection', 'close');
  sendJson(response, status, { problem } satisfies ImageProblem);
}
