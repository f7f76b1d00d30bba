// The demo, put together: the line, the guests, the Wire and the pages on one port.

import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import { type ServeOptions, serve } from '@trunkline/server';
import { IMAGES_PATH } from '../shared/image.js';
import { PLAIN_FEED_PATH } from '../shared/market.js';
import { demoApp } from './app.js';
import { RoomHistory } from './chat/room-history.js';
import { Feeds, GENERATOR } from './feeds/feeds.js';
import { answerGuest } from './guest-route.js';
import { Guests, loadSecret } from './guests.js';
import { sendJson } from './http.js';
import { answerImage } from './images/image-route.js';
import { ImageStore } from './images/image-store.js';
import { Exchange } from './market/exchange.js';
import { PlainFeed } from './market/plain-feed.js';
import { pages } from './pages.js';
import { RateLimit } from './rate-limit.js';
import { type Settings, StartError } from './settings.js';
import { HttpTap } from './wire/http-tap.js';
import { WireRoute } from './wire/route.js';
import { WireTabs } from './wire/tabs.js';

/** A message that was deleted takes its images with it within a day and an hour. */
const SWEEP_EVERY_MS = 3_600_000;
const UNSHOWN_MS = 86_400_000;
const CLIENT_FOLDER = fileURLToPath(new URL('../client', import.meta.url));

export interface Demo {
  /** For people: `http://localhost:7400`. */
  readonly address: string;
  /** Open connections. */
  readonly connections: number;
  /** Lets pages move if the settings say so, then says goodbye. Takes at most that time, 5 seconds, and what the store needs. */
  close(): Promise<void>;
}

/**
 * @param broker where messages are kept. Default: a SQLite file in the data folder.
 * @throws an `Error` whose message says in one sentence why the demo cannot start.
 */
export async function startDemo(settings: Settings, broker?: ServeOptions['broker']): Promise<Demo> {
  const page = pages(CLIENT_FOLDER);
  await makeFolder(settings.dataFolder);
  const guests = new Guests(await loadSecret(join(settings.dataFolder, 'secret')));
  const limit = new RateLimit();
  const tabs = new WireTabs();
  const wire = new WireRoute(tabs);
  const httpTap = new HttpTap(tabs);
  const feeds = new Feeds(settings.feeds);
  const exchange = new Exchange();
  const plain = new PlainFeed();
  const store = broker ?? sqliteBroker(join(settings.dataFolder, 'trunkline.db'));
  const history: RoomHistory = new RoomHistory(store, (room) => trunk.channel.chat(room).name);
  const images = await ImageStore.open(join(settings.dataFolder, 'images'), (rooms) => history.imagesOf(rooms));
  const imageLimit = new RateLimit({ burst: 20, ratePerSecond: 0.5 });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0];
    if (path === '/guest') return answerGuest(guests, limit, request, response);
    if (path === IMAGES_PATH || path?.startsWith(`${IMAGES_PATH}/`)) {
      return answerImage(images, guests, imageLimit, request, response);
    }
    if (path === '/wire') return wire.answer(request, response);
    if (path === PLAIN_FEED_PATH) return plain.answer(request, response);
    return page(request, response);
  };

  const app = demoApp(guests, exchange, {
    hasMessage: (room, offset) => history.has(room, offset),
    takeImage: (name, room) => images.use(name, room),
  });
  const trunk = await serve(app, {
    port: settings.port,
    host: settings.host,
    broker: store,
    // Often, as this is to be looked at: the round trip is known after ten seconds, a dead link too.
    pingMs: 5000,
    apiKeys: feeds.apiKeys,
    request: (request, response) => {
      answer(request, response).catch((error: unknown) => {
        console.error('Trunkline demo: a request failed:', error);
        if (response.headersSent) response.destroy();
        else sendJson(response, 500, { problem: 'The server failed; its log has the cause.' });
      });
    },
    observe: (handshake) => tabs.tap(handshake.url),
  });

  const sweeping = setInterval(() => {
    images.sweep(UNSHOWN_MS).catch((error: unknown) => {
      console.error('Trunkline demo: unused images stay until the next attempt:', error);
    });
  }, SWEEP_EVERY_MS);

  feeds.start(loopback(trunk.url), (state) => trunk.channel.feeds().set(GENERATOR, state));
  const { listings, quotes, trends, trading } = trunk.channel;
  await exchange.open({
    listings: listings(),
    quotes: quotes(),
    trends: trends(),
    trading: trading(),
    plain,
  });
  exchange.start((error) => console.error('Trunkline demo: the exchange missed a tick:', error));

  return {
    address: addressFor(trunk.url, settings.host),
    get connections() {
      return trunk.health().connections;
    },
    close: async () => {
      clearInterval(sweeping);
      wire.close();
      httpTap.close();
      await feeds.stop();
      plain.close();
      await exchange.close();
      // Whoever asks the rooms needs the store.
      await images.settled();
      await trunk.close({ drainMs: settings.drainMs });
    },
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new StartError(`The data folder ${folder} cannot be made: ${error instanceof Error ? error.message : error}`);
  }
}

/** `localhost` reads better than an address of this computer, and is one that every browser trusts. */
function addressFor(url: string, host: string): string {
  const address = new URL(url.replace(/^ws/, 'http'));
  if (['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].includes(host)) address.hostname = 'localhost';
  return address.origin;
}

/** Where a program of this computer reaches the server that may be bound to any address of it. */
function loopback(url: string): string {
  const address = new URL(url.replace(/^ws/, 'http'));
  if (address.hostname === '0.0.0.0') address.hostname = '127.0.0.1';
  if (address.hostname === '[::]') address.hostname = '[::1]';
  return address.origin;
}
