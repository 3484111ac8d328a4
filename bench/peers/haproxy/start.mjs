// HAProxy as a reverse proxy with two TLS legs: not an interceptor (clients connect to it directly), but
// what moving the bytes costs in C without any of our checks. One thread, no logs, pooled upstreams.

import fs from 'node:fs';
import path from 'node:path';

import { installPackages } from '../packages.mjs';
import { makeFolder, startProgram } from '../program.mjs';

// Starts it on 127.0.0.1:`port` with a certificate of the authority `ca` for localhost. Answers {pids, stop, direct}.
export async function start(port, ca, originPort) {
  installPackages(['haproxy'], ['haproxy']);
  const dir = makeFolder('haproxy');
  const at = (name) => path.join(dir, name);
  const leaf = ca.issue(['localhost', 'origin.test']);
  fs.writeFileSync(at('server.pem'), leaf.cert + leaf.key, { mode: 0o600 });
  fs.writeFileSync(at('haproxy.cfg'), `
global
  nbthread 1
  maxconn 8000
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  http-reuse always
frontend way_in
  bind 127.0.0.1:${port} ssl crt ${at('server.pem')}
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort} ssl verify required ca-file ${ca.certFile} sni str(localhost) verifyhost localhost
`);
  const program = await startProgram('/usr/sbin/haproxy', ['-db', '-f', at('haproxy.cfg')], { port, dir });
  return { ...program, direct: true };
}
