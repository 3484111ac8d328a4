// See preview.mjs; tests use it too where the api process does not serve the web yet.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist');
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css',
  '.svg': 'image/svg+xml', '.json': 'application/json', '.png': 'image/png', '.txt': 'text/plain', '.xml': 'application/xml' };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
  + "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

function serveFile(pathname, response) {
  const isApp = pathname === '/app' || pathname.startsWith('/app/');
  const name = isApp ? '/app.html' : pathname === '/' ? '/index.html' : pathname;
  const file = path.join(dist, path.normalize(name));
  const known = file.startsWith(dist + path.sep) && fs.existsSync(file) && fs.statSync(file).isFile();
  response.setHeader('content-security-policy', policy);
  response.setHeader('x-content-type-options', 'nosniff');
  if (!known) {
    const css = pathname === '/branding.css';
    response.writeHead(css ? 200 : 404, { 'content-type': css ? 'text/css' : 'text/plain' });
    response.end(css ? '' : 'not found');
    return;
  }
  response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' });
  // The server puts the operator's name there.
  if (isApp) return void response.end(fs.readFileSync(file, 'utf8').replaceAll('{{name}}', 'DeployClaw'));
  fs.createReadStream(file).pipe(response);
}

// Starts on `port` (0: any) of localhost; answers {url, close}.
export function startPreview(target, port = 0) {
  const upstream = new URL(target);
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (!pathname.startsWith('/api') && !pathname.endsWith('z')) return serveFile(pathname, response);
    const headers = { ...request.headers, host: upstream.host };
    if (headers.origin) headers.origin = upstream.origin;
    const onward = http.request({ host: upstream.hostname, port: upstream.port, method: request.method,
      path: request.url, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      // A connection that the API cuts is cut here, too.
      answer.on('close', () => { if (!answer.complete) response.destroy(); });
    });
    onward.on('error', () => { response.writeHead(502).end(); });
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  return new Promise((done) => {
    server.listen(port, '127.0.0.1', () => {
      const url = `http://localhost:${server.address().port}`;
      const close = () => new Promise((end) => { server.closeAllConnections(); server.close(end); });
      done({ url, close });
    });
  });
}
