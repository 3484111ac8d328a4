import path from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const here = path.dirname(fileURLToPath(import.meta.url));

// Puts src/start.ts before the app, as a script of its own: Vite would make one of both.
const startFirst: Plugin = {
  name: 'start-first',
  transformIndexHtml: {
    order: 'post',
    handler(_html, { bundle }) {
      const start = Object.values(bundle ?? {}).find((one) => one.type === 'chunk' && one.isEntry && one.name === 'start');
      return start ? [{ tag: 'script', attrs: { type: 'module', src: `/${start.fileName}` }, injectTo: 'head-prepend' }] : [];
    },
  },
};

export default defineConfig({
  root: here,
  base: '/',
  publicDir: 'public',
  plugins: [react(), startFirst],
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    target: 'es2022',
    // Nothing may need an inline script or a data: font under the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
    rollupOptions: { input: { app: path.join(here, 'app.html'), start: path.join(here, 'src/start.ts') } },
  },
});
