// The frame of every page: header, page, Wire drawer.

import { type ReactElement, useEffect, useState } from 'react';
import styles from './app.module.css';
import { ChatPage } from './chat/chat-page.js';
import { clientsOf } from './clients.js';
import { SportsPage } from './dashboards/sports/sports-page.js';
import { WeatherPage } from './dashboards/weather/weather-page.js';
import { usePass } from './guest/use-pass.js';
import { LandingPage } from './landing/landing-page.js';
import { MarketPage } from './market/market-page.js';
import { MissingPage } from './missing-page.js';
import { type Route, routeOf, useLocation } from './router.js';
import { Header } from './shell/header.js';
import { ofTab, readStored, store } from './storage.js';
import { WireDrawer } from './wire/wire-drawer.js';

const DRAWER_KEY = 'trunkline.wire.open';

export function App(): ReactElement {
  const { path, query } = useLocation();
  const pass = usePass();
  const route = routeOf(path);
  const clients = clientsOf(route, pass);
  const [wireOpen, setWireOpen] = useState(() => readStored(ofTab, DRAWER_KEY) === 'yes');

  useEffect(() => {
    store(ofTab, DRAWER_KEY, wireOpen ? 'yes' : null);
  }, [wireOpen]);
  useEffect(() => {
    document.title = titleOf(routeOf(path));
  }, [path]);

  return (
    <div className={styles.frame} data-wire={wireOpen}>
      <Header route={route} clients={clients} wireOpen={wireOpen} onWire={() => setWireOpen(!wireOpen)} />
      <main className={styles.main} tabIndex={-1}>
        <Page route={route} query={query} />
      </main>
      {wireOpen && <WireDrawer clients={clients} onClose={() => setWireOpen(false)} />}
    </div>
  );
}

function Page({ route, query }: { route: Route; query: string }): ReactElement {
  switch (route.page) {
    case 'landing':
      return <LandingPage />;
    case 'chat':
      return <ChatPage room={route.room} query={query} way="chat" />;
    case 'polling':
      return <ChatPage room={route.room} query={query} way="polling" />;
    case 'weather':
      return <WeatherPage />;
    case 'sports':
      return <SportsPage />;
    case 'market':
      return <MarketPage />;
    case 'missing':
      return <MissingPage path={route.path} />;
  }
}

function titleOf(route: Route): string {
  switch (route.page) {
    case 'landing':
      return 'Trunkline: one connection, made visible';
    case 'chat':
      return `${route.room} · Trunkline chat`;
    case 'polling':
      return `${route.room} · Trunkline chat over HTTP`;
    case 'weather':
      return 'Weather · Trunkline';
    case 'sports':
      return 'Sports · Trunkline';
    case 'market':
      return 'Market · Trunkline';
    case 'missing':
      return 'Nothing here · Trunkline';
  }
}
