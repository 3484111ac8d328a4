// Serves built pages the way the api process does: names without .html, the same policy headers, the
// operator's settings filled in. For tests of the pages alone; forms are kept in `posted`.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const types = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml',
  '.png': 'image/png', '.xml': 'application/xml', '.txt': 'text/plain; charset=utf-8',
};
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
  + "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// {{key}}, {{#key}}…{{/key}} and {{^key}}…{{/key}}; an unknown key is an error, as it is for the server.
export function fillSettings(text, settings) {
  const known = (key) => {
    if (!(key in settings)) throw new Error(`the server knows no {{${key}}}`);
    return settings[key];
  };
  return text
    .replace(/\{\{([#^])(\w+)\}\}([^]*?)\{\{\/\2\}\}/g, (_, kind, key, inner) => (Boolean(known(key)) === (kind === '#') ? fillSettings(inner, settings) : ''))
    .replace(/\{\{(\w+)\}\}/g, (_, key) => escape(known(key)));
}

export const plainSettings = {
  name: 'DeployClaw', origin: 'http://localhost', supportEmail: '', bookCallUrl: '',
  plausibleDomain: '', plausibleScript: '', logoUrl: '',
};

// Starts on a free port; answers {url, posted, close}. `brandingCss` is what /branding.css holds.
export async function startSite(dist, settings = {}, brandingCss = '') {
  const posted = [];
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const send = (status, type, body, headers = {}) => {
      response.writeHead(status, { 'content-type': type, 'content-security-policy': policy, 'x-content-type-options': 'nosniff', ...headers });
      response.end(body);
    };
    if (pathname === '/api/waitlist' && request.method === 'POST') {
      let body = '';
      request.on('data', (data) => { body += data; });
      request.on('end', () => {
        posted.push({ type: request.headers['content-type'], fields: Object.fromEntries(new URLSearchParams(body)) });
        send(303, 'text/plain', '', { location: '/waitlist-thanks' });
      });
      return;
    }
    if (pathname === '/branding.css') return void send(200, types['.css'], brandingCss);
    const name = pathname === '/' ? '/index' : pathname;
    const file = [name, `${name}.html`].map((one) => path.join(dist, path.normalize(one)))
      .find((one) => one.startsWith(dist + path.sep) && fs.existsSync(one) && fs.statSync(one).isFile());
    const found = file ?? path.join(dist, '404.html');
    const type = types[path.extname(found)] ?? 'application/octet-stream';
    const templated = /\.(html|xml|txt)$/.test(found);
    const bytes = fs.readFileSync(found);
    const body = templated ? fillSettings(bytes.toString(), { ...plainSettings, ...settings, origin: url }) : bytes;
    send(file ? 200 : 404, type, body);
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const url = `http://localhost:${server.address().port}`;
  const close = () => new Promise((done) => { server.closeAllConnections(); server.close(done); });
  return { url, posted, close };
}
