// The weather and sports pages: what stands on the screen is what the tables hold, whatever came in between.

import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { findings } from './support/axe.js';
import { API_KEY, generate, putMatch, tableOf, tell } from './support/feeds.js';
import { logSockets } from './support/socket-log.js';
import { stage } from './support/stage.js';

const on = stage({ TRUNKLINE_API_KEY: API_KEY });
/** As fast as the server takes it. */
const FAST = ['--pace', '0', '--seed', '11'];

const stations = (page: Page): Locator => page.locator('tbody tr');
const station = (page: Page, key: string): Locator => page.locator(`tbody tr[data-key="${key}"]`);
const matchOf = (page: Page, key: string): Locator => page.locator(`li[data-key="${key}"]`);

/** The cells of every row, as they stand there. */
function shownStations(page: Page): Promise<Record<string, Record<string, string>>> {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll<HTMLElement>('tbody tr')].map((row) => [
        row.dataset.key,
        {
          ...Object.fromEntries(
            [...row.querySelectorAll<HTMLElement>('[data-cell]')].map((cell) => [
              cell.dataset.cell,
              cell.firstElementChild?.textContent?.trim() ?? '',
            ]),
          ),
          at: row.querySelector('time')?.dateTime ?? '',
        },
      ]),
    ),
  );
}

async function expectedStations(): Promise<Record<string, Record<string, string>>> {
  const rows = await tableOf(on.server.url, 'weather');
  return Object.fromEntries(
    [...rows].map(([key, row]) => [
      key,
      {
        condition: row.condition,
        temperature: `${row.temperature.toFixed(1).replace('-', '−')} °C`,
        wind: `${Math.round(row.wind)} km/h`,
        humidity: `${Math.round(row.humidity)} %`,
        pressure: `${Math.round(row.pressure).toLocaleString('en')} hPa`,
        at: new Date(row.at).toISOString(),
      },
    ]),
  );
}

async function open(path: string, options?: Parameters<typeof on.context>[0]): Promise<Page> {
  const page = await (await on.context(options)).newPage();
  await page.goto(`${on.server.url}${path}`);
  return page;
}

// First, as nothing has been told yet.
describe('before anything was told', () => {
  it.each(['/weather', '/sports'])('%s says why it is empty, and what to do', async (path) => {
    const page = await open(path);
    const main = page.getByRole('main');
    await main.getByText(/No (readings|matches) yet/).waitFor();
    await main.getByText('python3 apps/demo/generators/feeds.py').waitFor();
    expect(await main.getByText('Simulated', { exact: true }).count()).toBe(1);
    expect(await findings(page)).toEqual([]);
  });
});

describe('the weather', () => {
  beforeAll(() => generate(on.server.url, [...FAST, '--steps', '3']));

  it('shows what the HTTP API returns, after many changes as after a reload', async () => {
    const page = await open('/weather');
    await expect.poll(() => stations(page).count()).toBe(40);
    await generate(on.server.url, [...FAST, '--steps', '40']);
    const expected = await expectedStations();
    await expect.poll(() => shownStations(page)).toEqual(expected);
    await page.reload();
    await expect.poll(() => shownStations(page)).toEqual(expected);
  });

  it('asks the server for the watched places alone, and remembers them', async () => {
    const page = await (await on.context()).newPage();
    const sockets = logSockets(page);
    await page.goto(`${on.server.url}/weather`);
    await expect.poll(() => stations(page).count()).toBe(40);
    await page.getByRole('radio', { name: 'Watched (0)' }).check();
    await page.getByText('You watch no place yet').waitFor();
    await page.getByRole('radio', { name: 'All' }).check();
    for (const place of ['Oslo', 'Lima']) await page.getByRole('button', { name: `Watch ${place}` }).click();
    await page.getByRole('radio', { name: 'Watched (2)' }).check();
    await expect.poll(() => stations(page).count()).toBe(2);
    const tuned = /"id":(\d+)[^\n]*"keys":\["(?:oslo","lima|lima","oslo)"\]/;
    await expect.poll(() => sockets.sent.join('\n')).toMatch(tuned);
    // What the server told before it knew may still be on its way, in front of the answer.
    const [, id] = tuned.exec(sockets.sent.join('\n')) ?? [];
    await expect.poll(() => sockets.received.join('\n')).toMatch(new RegExp(`"type":"ok","id":${id}\\b`));

    const before = sockets.received.length;
    await generate(on.server.url, [...FAST, '--steps', '10']);
    const expected = await expectedStations();
    await expect.poll(() => shownStations(page)).toEqual({ lima: expected.lima, oslo: expected.oslo });
    const told = sockets.received.slice(before).join('\n');
    expect(told).toContain('"oslo"');
    expect(told).not.toContain('"berlin"');

    await page.reload();
    await page.getByRole('radio', { name: 'Watched (2)' }).waitFor();
    expect(await page.getByRole('button', { name: 'Watch Oslo' }).getAttribute('aria-pressed')).toBe('true');
  });

  it('stands still while paused, and then shows the newest', async () => {
    const page = await open('/weather');
    await expect.poll(() => stations(page).count()).toBe(40);
    await page.getByRole('radio', { name: 'Paused' }).check();
    const before = await shownStations(page);
    await generate(on.server.url, [...FAST, '--steps', '5']);
    expect(await shownStations(page)).toEqual(before);
    await page.getByRole('radio', { name: 'Live' }).check();
    const expected = await expectedStations();
    expect(expected).not.toEqual(before);
    await expect.poll(() => shownStations(page)).toEqual(expected);
  });

  it('is sorted by any column, both ways, and searched', async () => {
    const page = await open('/weather');
    await expect.poll(() => stations(page).count()).toBe(40);
    const rows = await tableOf(on.server.url, 'weather');
    const numbers = (text: string) => Number(text.replace('−', '-').replace(' °C', ''));
    const shown = async () => (await page.locator('[data-cell="temperature"]').allTextContents()).map(numbers);
    const inOrder = [...rows.values()].map(({ temperature }) => temperature).sort((a, b) => b - a);
    const head = page.getByRole('columnheader', { name: 'Temperature' });
    await head.getByRole('button').click();
    expect([await head.getAttribute('aria-sort'), await shown()]).toEqual(['descending', inOrder]);
    await head.getByRole('button').click();
    expect([await head.getAttribute('aria-sort'), await shown()]).toEqual(['ascending', inOrder.toReversed()]);

    await page.getByRole('searchbox', { name: 'Find a place' }).fill('norway trom');
    await expect.poll(() => page.locator('tbody th').allTextContents()).toEqual([expect.stringContaining('Tromsø')]);
    await page.getByRole('searchbox').fill('atlantis');
    await page.getByText('No place is called “atlantis”').waitFor();
  });

  it('shows degrees Fahrenheit to those who want them', async () => {
    const page = await open('/weather');
    await page.getByRole('radio', { name: '°F' }).check();
    const { temperature } = (await tableOf(on.server.url, 'weather')).get('accra') ?? { temperature: Number.NaN };
    await expect
      .poll(() => station(page, 'accra').locator('[data-cell="temperature"]').textContent())
      .toBe(`${(Math.round((temperature * 1.8 + 32) * 10) / 10).toFixed(1)} °F`);
  });

  it('says when nothing new has come for more than 30 seconds', async () => {
    await generate(on.server.url, [...FAST, '--steps', '1']);
    const context = await on.context();
    await context.clock.install();
    const page = await context.newPage();
    await page.goto(`${on.server.url}/weather`);
    await expect.poll(() => stations(page).count()).toBe(40);
    const notice = page.getByText('No new reading for');
    expect(await notice.count()).toBe(0);
    await context.clock.fastForward(60_000);
    await notice.waitFor();
    await page.getByText('TRUNKLINE_FEEDS').waitFor();
    await generate(on.server.url, [...FAST, '--steps', '2']);
    await notice.waitFor({ state: 'detached' });
  });
});

describe('the sports', () => {
  const MATCH: Parameters<typeof putMatch>[2] = {
    league: 'Northern League',
    home: 'Alderport',
    away: 'Coldwater',
    phase: 'first half',
    minute: 12,
    homeGoals: 0,
    awayGoals: 0,
    events: [],
    kickoff: 1_763_650_000_000,
    at: 1_763_650_000_000,
  };

  it('shows what the HTTP API returns, finished matches apart', async () => {
    const page = await open('/sports');
    await generate(on.server.url, [...FAST, '--steps', '120']);
    const rows = await tableOf(on.server.url, 'matches');
    const expected = [...rows].map(([key, { home, away, homeGoals, awayGoals, phase }]) => [
      key,
      ...(phase === 'coming' ? [home, away] : [`${home} ${homeGoals}`, `${away} ${awayGoals}`]),
      phase === 'finished',
    ]);
    const shown = () =>
      page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('li[data-key]')].map((match) => [
          match.dataset.key,
          ...['home', 'away'].map((side) => {
            const cell = match.querySelector(`[data-cell="${side}"]`);
            const goals = /^\d+$/.test(cell?.textContent ?? '') ? ` ${cell?.textContent}` : '';
            return `${cell?.parentElement?.firstElementChild?.textContent}${goals}`;
          }),
          match.closest('section')?.querySelector('h2')?.textContent === 'Finished',
        ]),
      );
    const inOrder = (list: unknown[][]) => [...list].sort(([a], [b]) => String(a).localeCompare(String(b)));
    await expect.poll(async () => inOrder(await shown())).toEqual(inOrder(expected));
  });

  it('marks a goal with a word, says it, and then is calm again', async () => {
    const context = await on.context();
    await context.clock.install();
    const page = await context.newPage();
    await putMatch(on.server.url, 'm900', MATCH);
    await page.goto(`${on.server.url}/sports`);
    await matchOf(page, 'm900').waitFor();
    const word = matchOf(page, 'm900').getByText('Goal', { exact: true });
    expect(await word.count()).toBe(0);

    const goal = { minute: 13, kind: 'goal', side: 'away', player: 9 } as const;
    await putMatch(on.server.url, 'm900', { ...MATCH, minute: 13, awayGoals: 1, events: [goal] });
    const { league, home, away } = MATCH;
    await tell(on.server.url, { ...goal, league, home, away, homeGoals: 0, awayGoals: 1 });
    await word.waitFor();
    await expect.poll(() => matchOf(page, 'm900').locator('[data-cell="away"]').textContent()).toBe('1');
    await matchOf(page, 'm900').getByText('13′ Goal, no. 9 (Coldwater)').waitFor();
    await page.getByRole('status').filter({ hasText: 'Goal for Coldwater, no. 9. Alderport 0–1 Coldwater' }).waitFor();
    await context.clock.fastForward(10_000);
    await word.waitFor({ state: 'detached' });
  });
});

describe('for everyone', () => {
  beforeAll(() => generate(on.server.url, [...FAST, '--steps', '3']));

  for (const colorScheme of ['light', 'dark'] as const) {
    it.each(['/weather', '/sports'])(`axe finds nothing serious on %s, ${colorScheme}`, async (path) => {
      const page = await open(path, { colorScheme });
      await page.locator('[data-key]').first().waitFor();
      // All rows are alike, and axe looks at each for long.
      if (path === '/weather') await page.getByRole('searchbox').fill('norway');
      expect(await findings(page)).toEqual([]);
    });
  }

  it.each([360, 390])('they fit a phone %i pixels wide, with room for fingers', async (width) => {
    for (const path of ['/weather', '/sports']) {
      const page = await open(path, { viewport: { width, height: 844 }, isMobile: true, hasTouch: true });
      await page.locator('[data-key]').first().waitFor();
      const [fits, mainFits, small] = await page.evaluate(() => [
        document.documentElement.scrollWidth <= window.innerWidth,
        [...document.querySelectorAll('main')].every((main) => main.scrollWidth <= main.clientWidth),
        [...document.querySelectorAll('button, a, input')]
          .filter((element) => element.getClientRects().length > 0 && element.getBoundingClientRect().height < 43.5)
          .map((element) => `${element.textContent || element.getAttribute('aria-label')}`),
      ]);
      expect({ path, fits, mainFits, small }).toEqual({ path, fits: true, mainFits: true, small: [] });
    }
  });

  it('they fit beside the Wire', async () => {
    for (const path of ['/weather', '/sports']) {
      const page = await open(path);
      await page.locator('[data-key]').first().waitFor();
      await page.getByRole('button', { name: 'Wire', exact: true }).click();
      await page.getByText('HTTP/1.1 101 Switching Protocols').waitFor();
      const widths = await page.getByRole('main').evaluate((main) => [main.scrollWidth, main.clientWidth]);
      expect([path, widths[0]]).toEqual([path, widths[1]]);
    }
  });

  it('the watch list can be kept by keyboard alone', async () => {
    const page = await open('/weather');
    await expect.poll(() => stations(page).count()).toBe(40);
    await page.getByRole('button', { name: 'Watch Accra' }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('radio', { name: 'All' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('tbody th').allTextContents()).toEqual([expect.stringContaining('Accra')]);
  });
});
