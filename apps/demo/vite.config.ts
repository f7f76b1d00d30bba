// The pages: bundled for the demo server, or served on their own while developing (`npm run dev`), with the server behind a proxy.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env.DEMO_SERVER ?? `http://127.0.0.1:${process.env.PORT ?? 7400}`;

export default defineConfig({
  root: 'client',
  plugins: [react()],
  build: {
    outDir: '../dist/client',
    emptyOutDir: true,
    // Everything is a file of ours: the pages' content security policy knows no inline code and no data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: {
    port: 5173,
    // Whole paths: /wire/… and /guest/… are also folders of modules here.
    proxy: {
      '^/line(\\?|$)': { target: server, ws: true },
      '^/guest(\\?|$)': { target: server },
      '^/images(/|\\?|$)': { target: server },
      '^/wire(\\?|$)': { target: server },
      '^/market/feed(\\?|$)': { target: server },
    },
  },
});
