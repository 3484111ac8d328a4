// Usage: node scripts/preview.mjs API_URL [PORT]
//
// Serves web/dist with the same policy headers as the api process, and passes everything under /api
// on to API_URL. For development: the api process serves web/dist itself.

import { startPreview } from './preview_server.mjs';

const [target, port = '5180'] = process.argv.slice(2);
if (!target) {
  console.error('Usage: node scripts/preview.mjs API_URL [PORT]');
  process.exit(2);
}
const preview = await startPreview(target, Number(port));
console.log(`ready: ${preview.url}/app`);
