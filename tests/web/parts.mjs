// The modules of the dashboard that decide without a page, as one module. For tests.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { build } = await import(path.join(root, 'web/node_modules/esbuild/lib/main.js'));

export async function loadParts() {
  const sources = ['live/stream', 'app/permission_words', 'pages/deploy/draft', 'pages/deploy/providers', 'pages/deploy/channels',
    'ui/format', 'ui/time', 'ui/table', 'pages/deploy/progress_steps', 'api/problem',
    'app/edited', 'app/json', 'pages/agent/config_value', 'pages/agent/permission_draft', 'pages/agent/changes', 'pages/agent/clip', 'pages/agent/version',
    'live/refetch', 'app/agent_state', 'app/news', 'app/palette_search', 'pages/agents/drawn', 'pages/agents/slots', 'pages/approvals/keep', 'pages/approvals/request_text'];
  const renamed = { 'pages/agents/rows': 'list' };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'deployclaw-web-units-'));
  const outfile = path.join(folder, 'parts.mjs');
  await build({ bundle: true, outfile, format: 'esm', platform: 'browser', jsx: 'automatic', logLevel: 'error',
    nodePaths: [path.join(root, 'web/node_modules')], define: { 'process.env.NODE_ENV': '"production"' },
    stdin: { contents: [...sources.map((name) => `export * from './web/src/${name}';`),
      ...Object.entries(renamed).map(([name, as]) => `export * as ${as} from './web/src/${name}';`)].join('\n'), resolveDir: root, loader: 'ts' } });
  const parts = await import(outfile);
  fs.rmSync(folder, { recursive: true });
  return parts;
}
