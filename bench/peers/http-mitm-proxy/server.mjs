// The npm package http-mitm-proxy, an interceptor in JavaScript: PORT, CA_DIR (its own authority is made
// there) and the origin's CA file in NODE_EXTRA_CA_CERTS come by environment.

import http from 'node:http';
import https from 'node:https';

import { Proxy } from 'http-mitm-proxy';

const proxy = new Proxy();
proxy.onError(() => {});
proxy.listen({
  host: '127.0.0.1', port: Number(process.env.PORT), sslCaDir: process.env.CA_DIR, keepAlive: true,
  httpAgent: new http.Agent({ keepAlive: true }), httpsAgent: new https.Agent({ keepAlive: true }) },
(error) => {
  if (error) throw error;
});
