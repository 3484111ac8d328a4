// The npm package http-mitm-proxy, an interceptor in JavaScript: PORT, CA_DIR (its own authority is made
// there) and the origin's CA file in NODE_EXTRA_CA_CERTS come by environment.

import http from 'node:http';
import https from 'node:https';

import { Proxy } from 'http-mitm-proxy';

// Node closes connections that idle for 5 s; the bench holds a thousand for longer.
for (const module of [http, https]) {
  const { createServer } = module;
  module.createServer = (...args) => Object.assign(createServer(...args), { keepAliveTimeout: 300_000 });
}

const proxy = new Proxy();
proxy.onError(() => {});
proxy.listen({
  host: '127.0.0.1', port: Number(process.env.PORT), sslCaDir: process.env.CA_DIR, keepAlive: true,
  httpAgent: new http.Agent({ keepAlive: true }), httpsAgent: new https.Agent({ keepAlive: true }) },
(error) => {
  if (error) throw error;
});
